// TcpDial: a session that one TCP connection will carry.
#pragma once

#include <functional>
#include <memory>

#include "client/dial.hpp"
#include "tls/engine.hpp"
#include "transport/tcp/tcp_connection.hpp"

namespace plait::client {

class TcpDial final : public Dial {
 public:
  /// What runs above the connection.
  struct Load {
    std::unique_ptr<tls::Engine> tls;  ///< none: plain
    std::unique_ptr<SessionHandler> handler;
    std::function<std::unique_ptr<transport::Protocol>(std::unique_ptr<SessionHandler>)> make_protocol;
  };

  TcpDial(transport::LoopContext& context, net::Resolver& resolver, const DialSettings& settings, Load load);

 private:
  class TcpAttempt;

  Result<std::unique_ptr<Attempt>, Error> begin(const net::SocketAddress& address) override;
  void go_on(Attempt& winner, std::unique_ptr<SessionHandler> handler) override;

  Load load_;
};

}  // namespace plait::client
