#include "client/raw_dial.hpp"

#include <utility>

#include "client/quic_attempt.hpp"

namespace plait::client {
namespace {

using RawAttempt = QuicAttempt<transport::RawSession, transport::RawOwner>;

}  // namespace

RawDial::RawDial(transport::LoopContext& context, net::Resolver& resolver, const DialSettings& settings, Begin begin,
                 transport::FrameRequest request, transport::Wants wants, std::unique_ptr<SessionHandler> handler)
    : Dial(context, resolver, settings, std::move(handler), kQuicSilence),
      begin_(std::move(begin)),
      request_(std::move(request)),
      wants_(wants) {}

Result<std::unique_ptr<Attempt>, Error> RawDial::begin(const net::SocketAddress& address) {
  auto attempt = std::make_unique<RawAttempt>(happy_eyeballs());
  if (auto started = attempt->start(begin_, address); !started) return err(started.error());
  return std::unique_ptr<Attempt>{std::move(attempt)};
}

void RawDial::go_on(Attempt& winner, std::unique_ptr<SessionHandler> handler) {
  transport::RawSession& session = static_cast<RawAttempt&>(winner).release();
  session.set_opening_deadline(wait_deadline());
  session.connect(request_, std::move(handler), wants_, id());
}

}  // namespace plait::client
