// H3Dial: one HTTP/3 connection in the making, for all that wait for it. The server's addresses race; whoever waits
// goes on with the server's SETTINGS, which say how many may.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "client/h3_waiter.hpp"
#include "client/race.hpp"

namespace plait::client {

class H3Dial final : public net::Retirable, private transport::H3Owner {
 public:
  struct Course {
    /// Starts a QUIC connection to one address of the server, with an owner that hears of it.
    std::function<Result<transport::H3Connection*, Error>(const net::SocketAddress&, transport::H3Owner&)> begin;
    /// The connection has its SETTINGS, and no owner any more. The dial is to be stopped and retired, as in `give_up`.
    std::function<void(transport::H3Connection&, const std::vector<SessionId>&)> finish;
    /// Nobody waits any more, or there will be no connection. May come twice.
    std::function<void()> give_up;
  };

  H3Dial(net::Loop& loop, net::Resolver& resolver, Duration attempt_delay);
  /// Before start().
  void set_course(Course course) { course_ = std::move(course); }
  void start(const net::Address& address) { race_.start(address); }
  void stop();
  /// Why there is no connection yet, for who cannot wait any longer.
  [[nodiscard]] std::string standing() const;

  void add(H3Waiter& waiter);
  void remove(H3Waiter& waiter);

 private:
  Result<std::unique_ptr<Attempt>, Error> begin(const net::SocketAddress& address);
  void take(transport::H3Connection& connection);
  void fail(const std::string& reason);
  void finish();

  // H3Owner of the winner
  void on_settings(transport::H3Connection&) override { finish(); }
  void on_ended(transport::H3Connection& connection, const std::string& reason) override;

  Course course_;
  std::vector<H3Waiter*> waiters_;
  transport::H3Connection* connection_ = nullptr;  // the winner
  Race race_;
};

}  // namespace plait::client
