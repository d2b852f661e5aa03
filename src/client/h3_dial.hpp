// H3Dial: one HTTP/3 connection in the making, for all that wait for it. The server's addresses are tried as RFC 8305
// says; whoever waits goes on with the server's SETTINGS, which say how many may.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "client/h3_waiter.hpp"
#include "client/happy_eyeballs.hpp"

namespace plait::client {

class H3Dial final : public net::Retirable, private transport::H3Owner {
 public:
  struct Callbacks {
    /// Starts a QUIC connection to one address of the server, with an owner that hears of it.
    std::function<Result<transport::H3ClientConnection*, Error>(const net::SocketAddress&, transport::H3Owner&)> begin;
    /// The connection has its SETTINGS, and no owner any more. The dial is to be stopped and retired, as in `give_up`.
    std::function<void(transport::H3ClientConnection&, const std::vector<SessionId>&)> finish;
    /// Nobody waits any more, or there will be no connection. May come twice.
    std::function<void()> give_up;
  };

  H3Dial(net::Loop& loop, net::Resolver& resolver, Duration attempt_delay);
  /// Before start().
  void set_callbacks(Callbacks callbacks) { callbacks_ = std::move(callbacks); }
  void start(const net::Address& address) { happy_eyeballs_.start(address); }
  void stop();
  /// Why there is no connection yet, for who cannot wait any longer.
  [[nodiscard]] std::string status() const;

  void add(H3Waiter& waiter);
  void remove(H3Waiter& waiter);

 private:
  Result<std::unique_ptr<Attempt>, Error> begin(const net::SocketAddress& address);
  void take(transport::H3ClientConnection& connection);
  void fail(const std::string& reason);
  void finish();

  // H3Owner of the winner
  void on_settings(transport::H3ClientConnection&) override { finish(); }
  void on_ended(transport::H3ClientConnection& connection, const std::string& reason) override;

  Callbacks callbacks_;
  std::vector<H3Waiter*> waiters_;
  transport::H3ClientConnection* connection_ = nullptr;  // the winner
  HappyEyeballs happy_eyeballs_;
};

}  // namespace plait::client
