// UdpSocket: a UDP socket for QUIC: non-blocking, many datagrams a system call in both directions.
//
// Sending one datagram a call costs six times what a batch of 64 does (UDP_SEGMENT), and receiving likewise (UDP_GRO),
// so a batch is the unit here: bytes in equal segments, of which only the last may be shorter, from one address to
// another, with the same ECN bits.
#pragma once

#include <plait/bytes.hpp>
#include <plait/result.hpp>

#include <cstdint>

#include "net/address.hpp"
#include "net/socket.hpp"

namespace plait::net {

/// Datagrams of one path.
struct UdpBatch {
  SocketAddress
      local{};  ///< the address they were sent to, or are to be sent from (with family 0: the system's choice)
  SocketAddress remote{};
  ByteView bytes{};
  std::size_t segment_bytes = 0;  ///< of each datagram but the last
  std::uint8_t ecn = 0;           ///< the two bits of the IP header (RFC 3168 §5)
};

class UdpSocket {
 public:
  /// The largest batch that the kernel sends or receives at once; receive() needs a buffer of this size.
  static constexpr std::size_t kBatchBytesMax = 65'536;

  struct Options {
    /// Joins others that are bound there; see Listener. The first socket of a port is bound without, so that a port in
    /// use is noticed.
    bool reuse_port = false;
    /// Kernel buffers, as far as the system allows (net.core.rmem_max).
    int buffer_bytes = 4 << 20;
    /// Keeps what ICMP says of datagrams that nobody listens for, for receive_refused(), which has to be asked when the
    /// loop reports EPOLLERR.
    bool report_refusals = false;
  };

  /// Errors name the address and the likely fix.
  static Result<UdpSocket, Error> bind(const Address& address, const Options& options);
  static Result<UdpSocket, Error> bind(const SocketAddress& name, const Options& options);
  /// One more for another loop on the same port.
  [[nodiscard]] Result<UdpSocket, Error> another() const;

  /// From now on the kernel gives a datagram to socket number (first byte of its QUIC Destination Connection ID) %
  /// `count` of those bound to this port, in the order in which they were bound (RFC 9000 §5.1: any server may choose
  /// its connection IDs so). Once for all of them. Without, a client that changes its address changes its loop.
  Result<void, Error> steer_by_connection_id(unsigned count) const;

  /// The next batch, its bytes in `buffer`. Status `ok` also for an empty datagram.
  IoResult receive(MutableByteView buffer, UdpBatch& batch) const;
  /// The next answer to a datagram of ours: an empty one, or if it says that nobody listens at that port, the beginning
  /// of the datagram as ICMP has quoted it, in `buffer`. Anybody can forge one who knows both ports, and the quotation.
  IoResult receive_refused(MutableByteView buffer) const;
  /// All of the batch or nothing. EIO and EINVAL with several segments: this path cannot send segments, split them.
  [[nodiscard]] IoResult send(const UdpBatch& batch) const;

  [[nodiscard]] int fd() const { return socket_.fd(); }
  /// The address really bound.
  [[nodiscard]] const SocketAddress& name() const { return name_; }
  void close() { socket_.close(); }

 private:
  bool open(const SocketAddress& name, const Options& options);

  Socket socket_;
  SocketAddress name_;
};

}  // namespace plait::net
