// The raw peers: plain epoll programs that do one thing and nothing else, the floor that `--peer raw` measures.
//
// No limits, timeouts, close handshake, UTF-8 check or handler: what remains is the kernel and the parsing that nobody
// can leave out. A server is at best as fast as this; the ratio to it says what an engine's other duties cost.
//
// One epoll loop, edge-triggered (otherwise it looks at each socket twice a message), and one 512 KB read buffer for
// all connections (64 KB gives a third of the rate on pipelined 16 KB messages), one read and one send an event. A
// connection that does not take its answer keeps the rest in a backlog and is not read until that has left.
#pragma once

#include <plait/bytes.hpp>
#include <plait/result.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace plait::bench {

/// One accepted connection of a raw peer.
class RawConnection {
 public:
  explicit RawConnection(int fd) : fd_(fd) {}
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;
  ~RawConnection();

  /// Sends, or keeps what the socket does not take.
  void send(ByteView data);
  /// Sends the backlog; true when nothing is left of it.
  bool drain();
  [[nodiscard]] bool has_backlog() const { return sent_ < backlog_.size(); }
  [[nodiscard]] int fd() const { return fd_; }
  /// Set by a send that failed: the loop removes the connection.
  [[nodiscard]] bool is_dead() const { return dead_; }
  void kill() { dead_ = true; }

  std::string partial;             ///< protocol state: bytes of a frame or head that is not complete
  std::uint64_t payload_left = 0;  ///< protocol state: of a frame that is passing through
  std::uint32_t masking_key = 0;   ///< protocol state: rotated to the next byte
  bool is_open = false;            ///< protocol state: the opening handshake is done
  std::size_t slot = 0;            ///< where the loop keeps this connection

 private:
  std::size_t try_send(ByteView data);
  std::string backlog_;
  std::size_t sent_ = 0;
  int fd_;
  bool dead_ = false;
};

/// What a raw peer does with the bytes of one read. `data` starts with connection.partial (already removed from it) and
/// may be overwritten.
class RawProtocol {
 public:
  virtual ~RawProtocol() = default;
  virtual void on_data(RawConnection& connection, MutableByteView data) = 0;
  /// All connections that had input have been served.
  virtual void on_turn_end() {}
  virtual void on_close(RawConnection& /*connection*/) {}
};

/// Listens on 127.0.0.1:`port` (0: any), prints "listening SCHEME://127.0.0.1:PORT", serves until SIGTERM or SIGINT.
/// With `spins` it never waits for input: it asks again.
[[nodiscard]] Result<void, Error> run_raw_loop(RawProtocol& protocol, const std::string& scheme, std::uint16_t port,
                                               bool spins = false);

/// `plait bench-raw KIND`: kind is tcp, ws, fanout, quic-bulk or tls-bulk. `packet_bytes` is quic-bulk's, `spins` is
/// ws's.
[[nodiscard]] Result<void, Error> run_raw_peer(const std::string& kind, std::uint16_t port, std::size_t packet_bytes,
                                               bool spins);

}  // namespace plait::bench
