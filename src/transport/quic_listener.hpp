// QuicListener: HTTP/3 and WebTransport on one UDP port of one loop.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "transport/h3_connection.hpp"
#include "transport/quic_endpoint.hpp"
#include "transport/router.hpp"

namespace plait::transport {

class QuicListener {
 public:
  struct Options {
    quic::ServerTls tls;
    /// Of all loops, and after a restart: see quic::EndpointConfig::secret.
    std::array<std::uint8_t, 32> secret{};
    SharedPort shared;
  };

  /// `context` and `router` outlive it.
  QuicListener(LoopContext& context, net::UdpSocket socket, const Router& router, const Options& options);
  QuicListener(const QuicListener&) = delete;
  QuicListener& operator=(const QuicListener&) = delete;

  Result<void, Error> start() { return endpoint_.start(); }
  /// Accepts no more connections; those that are there go on.
  void stop() { endpoint_.stop_accepting(); }
  /// As QuicEndpoint's.
  void handle_stray(const StrayDatagram& stray) { endpoint_.handle_stray(stray); }
  /// For connections from now on.
  void set_tls(const quic::ServerTls& tls) { endpoint_.set_tls(tls); }

 private:
  QuicEndpoint endpoint_;
  H3Service service_;
};

}  // namespace plait::transport
