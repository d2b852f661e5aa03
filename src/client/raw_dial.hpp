// RawDial: a session that one QUIC connection of its own will carry (quic:, spec/frames.md §5).
#pragma once

#include <functional>
#include <memory>

#include "client/dial.hpp"
#include "transport/frame_opening.hpp"
#include "transport/quic/raw_session.hpp"

namespace plait::client {

class RawDial final : public Dial {
 public:
  /// Starts a QUIC connection to one address of the server, with an owner that hears of it.
  using Begin = std::function<Result<transport::RawSession*, Error>(const net::SocketAddress&, transport::RawOwner&)>;

  RawDial(transport::LoopContext& context, net::Resolver& resolver, const DialSettings& settings, Begin begin,
          transport::FrameRequest request, transport::Wants wants, std::unique_ptr<SessionHandler> handler);

 private:
  Result<std::unique_ptr<Attempt>, Error> begin(const net::SocketAddress& address) override;
  void go_on(Attempt& winner, std::unique_ptr<SessionHandler> handler) override;

  const Begin begin_;
  const transport::FrameRequest request_;
  const transport::Wants wants_;
};

}  // namespace plait::client
