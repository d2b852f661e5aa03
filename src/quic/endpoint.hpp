// Endpoint: the QUIC connections of one UDP socket, servers' and clients', as bytes in, bytes out. No socket, no clock.
//
// The driver owns the socket and the loop. Once a turn it reads one time and uses it for all calls of the turn:
//
//   for UDP datagrams that came:  handle_datagrams(path, bytes, segment_bytes, ecn, now)   (GRO: all at once)
//   at next_expiry():             handle_expiry(now)
//   then, until nothing comes:    poll_transmit(buffer, now)   (or a bounded number, to read again in between)
//
// and sends each Transmit as it is: `size` bytes in segments of `segment_bytes` (UDP_SEGMENT; the last may be shorter),
// from path.local to path.remote, with the ECN bits given. Time may stand still but never goes back: an earlier time is
// taken for the latest one. A Connection is freed only by these calls, never inside one of its visitor's functions.
#pragma once

#include <plait/result.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "quic/connection.hpp"
#include "quic/path.hpp"
#include "quic/qlog.hpp"
#include "quic/random.hpp"
#include "quic/settings.hpp"
#include "quic/tls.hpp"
#include "quic/types.hpp"

namespace plait::quic {

struct EndpointConfig {
  Settings settings;
  /// Accepts connections with this; none: a client.
  std::optional<ServerTls> server_tls;
  /// First byte of the connection IDs that this endpoint gives out (8 bytes, the others random), so that the driver can
  /// steer packets: see connection_id_first_byte().
  std::uint8_t loop_number = 0;
  /// Key of the stateless reset tokens. The same for all loops of a server and after a restart, so that old clients
  /// learn at once that their connection is gone; from a random source, and secret. All zero: chosen.
  std::array<std::uint8_t, 32> secret{};
  /// Key of the address validation tokens, of which the same holds; but another one when the clock, which dates them,
  /// has begun anew: those of before would be good again when it comes to where it was. All zero: chosen.
  std::array<std::uint8_t, 32> token_secret{};
  /// Connections at a time; further ones are refused (CONNECTION_REFUSED).
  std::size_t connections_max = 1'000'000;
  /// Connections of clients whose handshake is not finished, or has failed and still answers late packets; beyond, the
  /// oldest is closed (CONNECTION_REFUSED). At least 1.
  std::size_t handshakes_max = 4096;
  /// From this many of them on, a client must show first that it receives at its address (Retry, RFC 9000 §8.1.2).
  std::size_t retry_handshakes = 1024;
  /// Demand that always.
  bool retry_always = false;
  /// Of the connections that it accepts.
  MakeQlog make_qlog{};
};

class EndpointVisitor {
 public:
  /// A client's first packet came. The answer is the connection's visitor, or null to refuse it. Nothing may be sent
  /// before its on_ready.
  virtual ConnectionVisitor* on_connection(Connection& /*connection*/) { return nullptr; }
  /// A client's connection ended in its handshake, because TLS failed here or the client says that it did there. It
  /// came by `path`, from a forged address perhaps, unless a token or a Handshake packet has proven it. No call of the
  /// endpoint may be made.
  virtual void on_handshake_failed(const Path& /*path*/, const CloseReason& /*reason*/, bool /*proven*/) {}
  /// Something waits to be sent, nothing did before, and no call of the endpoint is under way: poll_transmit() before
  /// the loop sleeps. A driver that stopped polling before nothing came has to go on by itself.
  virtual void on_transmit_wanted() {}

 protected:
  ~EndpointVisitor() = default;
};

/// UDP datagrams of one size for one path.
struct Transmit {
  Path path;
  std::size_t size = 0;           ///< bytes at the front of the buffer
  std::size_t segment_bytes = 0;  ///< of each datagram; the last may be shorter. Equal to `size` for a single one
  Ecn ecn = Ecn::not_ect;
};

struct EndpointStats {
  std::size_t connection_count = 0;  ///< with those that are closing
  std::size_t handshake_count = 0;   ///< of clients, not finished, with those that failed and are closing
  std::uint64_t accepted_count = 0;
  std::uint64_t resumed_count = 0;              ///< completed handshakes, of either side, by a session ticket
  std::uint64_t refused_count = 0;              ///< above one of the limits, or by the visitor
  std::uint64_t retry_count = 0;                ///< Retry packets sent
  std::uint64_t version_negotiation_count = 0;  ///< Version Negotiation packets sent
  std::uint64_t stateless_reset_count = 0;      ///< sent
  std::uint64_t dropped_datagram_count = 0;     ///< belonged to nothing
};

/// The first byte of the Destination Connection ID of a packet, or nothing if it has none. A driver with N loops gives
/// a UDP datagram to loop (byte % N): it is the loop number in all packets but a client's first ones, whose connection
/// ID is random, so that they too stay on one loop, which then puts its own number in.
[[nodiscard]] std::optional<std::uint8_t> connection_id_first_byte(ByteView datagram);

class Endpoint {
 public:
  /// poll_transmit() needs a buffer of at least this size, and uses no more.
  static constexpr std::size_t kTransmitBytesMax = 65'507;
  static constexpr std::size_t kTransmitSegmentsMax = 64;

  /// `random` and `visitor` outlive the endpoint. `now` is the earliest time that will be given.
  Endpoint(EndpointConfig config, RandomSource& random, EndpointVisitor& visitor, TimePoint now);
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;
  /// Frees all connections without telling anybody.
  ~Endpoint();

  /// Starts a connection to path.remote. `host` is the name (or address as text) that the certificate must have, and
  /// without a port the server name that is sent. `visitor` outlives the connection. Errors are the environment's.
  Result<Connection*, Error> connect(const Path& path, const std::string& host, const ClientTls& tls,
                                     ConnectionVisitor& visitor, TimePoint now);

  /// Received UDP datagrams of `segment_bytes` each, the last may be shorter. Any bytes: what belongs to no connection
  /// is answered or dropped. Returns how many those were.
  std::size_t handle_datagrams(const Path& path, ByteView bytes, std::size_t segment_bytes, Ecn ecn, TimePoint now);
  /// One of them.
  void handle_datagram(const Path& path, ByteView datagram, Ecn ecn, TimePoint now) {
    handle_datagrams(path, datagram, datagram.size(), ecn, now);
  }
  /// A UDP datagram that was sent, or its beginning, came back: ICMP says that nobody listens for it. That ends a
  /// client's connection which has heard nothing from its server yet (the quotation names it: RFC 9000 §14.2.1 asks for
  /// such a proof that ICMP is of ours), and does nothing to others.
  void handle_refused(ByteView datagram, TimePoint now);
  /// The next bytes to send, at the front of `buffer` (kTransmitBytesMax); none when there is nothing (for now).
  std::optional<Transmit> poll_transmit(MutableByteView buffer, TimePoint now);
  /// When handle_expiry() is needed; none without connections. To be asked for after poll_transmit(), which is where a
  /// connection that has received something sets its next deadline.
  [[nodiscard]] std::optional<TimePoint> next_expiry() const;
  void handle_expiry(TimePoint now);

  /// For the connections of clients from now on.
  void set_server_tls(ServerTls tls);

  [[nodiscard]] EndpointStats stats() const;
  /// The path's socket cannot send segments (EIO, EINVAL): every Transmit is one datagram from here on.
  void disable_segmentation();

  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace plait::quic
