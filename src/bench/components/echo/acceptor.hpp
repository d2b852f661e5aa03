// EchoAcceptor: takes waiting connections off a listener, on a loop.
#pragma once

#include <functional>

#include "net/loop.hpp"
#include "net/socket.hpp"

namespace plait::bench {

class EchoAcceptor final : private net::EventHandler, private core::Timer {
 public:
  /// `on_accept` gets each connection, non-blocking and with TCP_NODELAY. `loop` must outlive this.
  EchoAcceptor(net::Loop& loop, net::Listener listener, std::function<void(net::Socket)> on_accept);
  ~EchoAcceptor() override { close(); }

  Result<void, Error> start();
  /// Stops listening; who waits is refused.
  void close();
  [[nodiscard]] std::uint16_t port() const { return listener_.port(); }

 private:
  static constexpr int kAcceptsPerTurn = 64;
  static constexpr std::chrono::milliseconds kRetry{100};

  void handle_events(std::uint32_t events) override;
  void on_timer(core::TimePoint now) override;
  void pause();

  net::Loop& loop_;
  net::Listener listener_;
  std::function<void(net::Socket)> on_accept_;
};

}  // namespace plait::bench
