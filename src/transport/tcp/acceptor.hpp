// Acceptor: takes new connections from one listening socket on one loop and gives each its first protocol.
#pragma once

#include <functional>
#include <memory>

#include "net/loop.hpp"
#include "net/socket.hpp"
#include "tls/context.hpp"
#include "transport/loop_context.hpp"
#include "transport/tcp/tcp_connection.hpp"

namespace plait::transport {

class Acceptor final : public net::EventHandler, public core::Timer {
 public:
  using MakeProtocol = std::function<std::unique_ptr<Protocol>()>;

  /// `tls` is null for plain listeners.
  Acceptor(LoopContext& context, net::Listener listener, std::shared_ptr<const tls::Context> tls,
           MakeProtocol make_protocol);
  ~Acceptor() override;

  Result<void, Error> start();
  /// Stops accepting; connections go on.
  void stop();
  /// For connections from now on.
  void set_tls(std::shared_ptr<const tls::Context> tls) { tls_ = std::move(tls); }
  [[nodiscard]] bool secure() const { return tls_ != nullptr; }

  void handle_events(std::uint32_t events) override;

 protected:
  void on_timer(core::TimePoint now) override;

 private:
  void pause();

  LoopContext& context_;
  net::Listener listener_;
  std::shared_ptr<const tls::Context> tls_;
  MakeProtocol make_protocol_;
  bool watching_ = false;
};

}  // namespace plait::transport
