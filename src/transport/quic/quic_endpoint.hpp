// QuicEndpoint: the QUIC connections of one loop: a UDP socket, the protocol engine above it, and their clock.
//
// A turn: every datagram that waits is handled, then, at the end of the turn, all connections' packets leave in batches
// of up to 64 KiB (UDP_SEGMENT). The engine's timers are an Alarm's, since the loop's wheel is too coarse.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/alarm.hpp"
#include "net/udp_socket.hpp"
#include "quic/endpoint.hpp"
#include "transport/loop_context.hpp"

namespace plait::transport {

/// What QUIC's connection IDs, tokens and GREASE are made from.
class QuicRandom final : public quic::RandomSource {
 public:
  explicit QuicRandom(crypto::RandomSource& source) : source_(source) {}
  void fill(MutableByteView out) override { source_.fill(out); }

 private:
  crypto::RandomSource& source_;
};

/// A UDP datagram that came to the wrong one of the sockets that share a port.
struct StrayDatagram {
  quic::Path path;
  quic::Ecn ecn = quic::Ecn::not_ect;
  std::vector<std::uint8_t> bytes;
};

/// The sockets that share a port. The kernel steers a batch (UDP_GRO) by the connection ID of its first datagram, while
/// the others, of the same client's address, may belong to connections on other loops.
struct SharedPort {
  unsigned socket_count = 1;
  unsigned socket_number = 0;  ///< in the order of binding
  /// Hands a datagram to the loop of another socket.
  std::function<void(unsigned socket_number, StrayDatagram)> forward;
};

class QuicEndpoint final : private net::EventHandler, private net::TurnHook, private quic::EndpointVisitor {
 public:
  /// Makes what runs above a new connection of a client; null refuses it.
  using Accept = std::function<quic::ConnectionVisitor*(quic::Connection&)>;

  /// `accept` is empty for clients.
  QuicEndpoint(LoopContext& context, net::UdpSocket socket, quic::EndpointConfig config, Accept accept,
               SharedPort shared = {});
  ~QuicEndpoint() override;

  /// Errors: no watch left.
  Result<void, Error> start();

  /// As quic::Endpoint::connect.
  Result<quic::Connection*, Error> connect(const net::SocketAddress& remote, const std::string& host,
                                           const quic::ClientTls& tls, quic::ConnectionVisitor& visitor);
  /// One that another socket of the port forwarded.
  void handle_stray(const StrayDatagram& stray);
  /// For connections from now on.
  void set_tls(const quic::ServerTls& tls) { engine_.set_server_tls(tls); }
  /// Accepts no more connections; those that are there go on.
  void stop_accepting() { accept_ = nullptr; }
  /// Sees to it that what was queued on a connection leaves at the end of this turn.
  void transmit_soon() {
    if (!hooked()) context_.loop.at_turn_end(*this);
  }

  [[nodiscard]] LoopContext& context() const { return context_; }
  [[nodiscard]] const net::SocketAddress& name() const { return socket_.name(); }
  [[nodiscard]] quic::EndpointStats stats() const { return engine_.stats(); }

 private:
  enum class Sent : std::uint8_t {
    gone,     // sent, or lost, as any datagram may be
    blocked,  // the socket has no room
  };

  void handle_events(std::uint32_t events) override;
  void on_turn_end() override;
  quic::ConnectionVisitor* on_connection(quic::Connection& connection) override;
  void on_handshake_failed(const quic::Path& path, const quic::CloseReason& reason, bool proven) override;
  void on_transmit_wanted() override { transmit_soon(); }

  void count();
  void handle_expiry();
  void receive();
  void receive_refused();
  [[nodiscard]] const net::SocketAddress& local_of(const net::UdpBatch& batch) const;
  std::size_t handle_batch(const net::UdpBatch& batch);
  [[nodiscard]] ByteView own_part(ByteView rest, const net::UdpBatch& batch) const;
  [[nodiscard]] unsigned socket_of(ByteView datagram) const;
  void transmit();
  Sent send(const net::UdpBatch& batch);
  bool send_singly(const net::UdpBatch& batch);
  void watch_for_room(bool blocked);

  LoopContext& context_;
  net::UdpSocket socket_;
  Accept accept_;
  const SharedPort shared_;
  const bool is_client_;
  QuicRandom random_;
  quic::Endpoint engine_;
  quic::EndpointStats counted_;  // of it, what the context's counters have
  net::Alarm alarm_;
  std::vector<std::uint8_t> buffer_;  // what is sent next
  net::UdpBatch unsent_;              // the batch in buffer_ that the socket had no room for; empty if there is none
  bool blocked_ = false;
};

/// The engine's path, from the socket's addresses.
[[nodiscard]] quic::Address to_quic(const net::SocketAddress& address);
[[nodiscard]] net::SocketAddress to_net(const quic::Address& address);
/// How a connection ended, for a person, in UTF-8.
[[nodiscard]] std::string describe(const quic::CloseReason& reason);

}  // namespace plait::transport
