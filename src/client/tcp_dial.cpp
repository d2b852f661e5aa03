#include "client/tcp_dial.hpp"

#include <utility>

#include "core/assert.hpp"
#include "transport/no_session.hpp"

namespace plait::client {

// A socket until it is connected: then it has won.
class TcpDial::TcpAttempt final : public Attempt, private net::EventHandler {
 public:
  TcpAttempt(TcpDial& dial, net::Socket socket) : dial_(dial), socket_(std::move(socket)) {}

  Result<void, Error> watch() { return loop().watch(socket_.fd(), kWritable, *this); }
  net::Socket release() {
    loop().unwatch(socket_.fd(), *this);
    return std::move(socket_);
  }
  void end() override {
    if (socket_.is_open()) release();
  }

 private:
  [[nodiscard]] net::Loop& loop() const { return dial_.context_.loop; }
  void handle_events(std::uint32_t) override {
    const int error = socket_.finish_connect();
    if (error == 0) return dial_.race_.succeed(*this);
    end();
    dial_.race_.fail(*this, transport::Disconnect{.system_errno = error, .reason = "connect failed"}.text());
  }

  TcpDial& dial_;
  net::Socket socket_;
};

TcpDial::TcpDial(transport::LoopContext& context, net::Resolver& resolver, Duration attempt_delay, Load load)
    : context_(context),
      load_(std::move(load)),
      race_(context.loop, resolver, attempt_delay,
            {.begin = [this](const net::SocketAddress& address) { return begin(address); },
             .win = [this](Attempt& winner) { take(static_cast<TcpAttempt&>(winner).release()); },
             .lose = [this](const std::string& reason) { fail(reason); }}) {}

SessionId TcpDial::start(transport::LoopContext& context, net::Resolver& resolver, const DialSettings& settings,
                         const net::Address& address, Load load, core::TimePoint deadline) {
  std::unique_ptr<TcpDial> owned{new TcpDial{context, resolver, settings.attempt_delay, std::move(load)}};
  TcpDial& dial = *owned;
  dial.id_ = context.put(std::move(owned));
  dial.deadline_ = deadline;
  context.loop.schedule(dial, deadline);
  dial.race_.start(address);
  return dial.id_;
}

Result<std::unique_ptr<Attempt>, Error> TcpDial::begin(const net::SocketAddress& address) {
  auto socket = net::Socket::connect(address);
  if (!socket) return err(socket.error());
  auto attempt = std::make_unique<TcpAttempt>(*this, std::move(*socket));
  if (auto watched = attempt->watch(); !watched) return err(watched.error());
  return std::unique_ptr<Attempt>{std::move(attempt)};
}

void TcpDial::take(net::Socket socket) {
  cancel();
  auto* connection = transport::TcpConnection::start(context_, std::move(socket), std::move(load_.tls),
                                                     load_.make_protocol(std::move(load_.handler)), true, id_);
  PLAIT_ASSERT(connection != nullptr, "what was watched a moment ago can be watched again");
  connection->set_deadline(deadline_);
}

void TcpDial::fail(const std::string& reason) {
  cancel();
  race_.stop();
  context_.loop.retire(context_.connections.remove(id_));
  transport::tell_not_opened(*load_.handler, context_.loop, {.reason = reason, .started_by_us = true}, id_);
}

}  // namespace plait::client
