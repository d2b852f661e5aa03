// QuicListener: HTTP/3 with WebTransport, raw QUIC (spec/frames.md), or both, on one UDP port of one loop. ALPN says
// which of them a connection speaks.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "transport/h3/h3_connection.hpp"
#include "transport/quic/quic_endpoint.hpp"
#include "transport/quic/raw_session.hpp"
#include "transport/router.hpp"

namespace plait::transport {

class QuicListener {
 public:
  /// What is served at the paths of each protocol; null: a client that speaks it is refused. At least one.
  struct Routers {
    const Router* h3 = nullptr;
    const Router* raw = nullptr;
  };
  struct Options {
    quic::ServerTls tls;
    /// Of all loops, and after a restart: see quic::EndpointConfig.
    std::array<std::uint8_t, 32> secret{};
    std::array<std::uint8_t, 32> token_secret{};
    SharedPort shared;
    quic::MakeQlog make_qlog{};
  };

  /// `context` and the routers outlive it.
  QuicListener(LoopContext& context, net::UdpSocket socket, const Routers& routers, const Options& options);
  QuicListener(const QuicListener&) = delete;
  QuicListener& operator=(const QuicListener&) = delete;

  Result<void, Error> start() { return endpoint_.start(); }
  /// Accepts no more connections; those that are there go on.
  void stop() { endpoint_.stop_accepting(); }
  /// As QuicEndpoint's.
  void handle_stray(const StrayDatagram& stray) { endpoint_.handle_stray(stray); }
  /// For connections from now on.
  void set_tls(const quic::ServerTls& tls);

 private:
  quic::ConnectionVisitor* accept(quic::Connection& connection);

  const Routers routers_;
  QuicEndpoint endpoint_;
  H3Service service_;
};

}  // namespace plait::transport
