// Blocking sockets, for the thread-per-connection model of the published echo pair.
//
// net's sockets never block, because its loop must not. A blocking pair is one system call less per message and the
// floor that a round trip is compared with, so the bench has its own.
#pragma once

#include <plait/bytes.hpp>
#include <plait/limits.hpp>
#include <plait/result.hpp>

#include <chrono>
#include <string>
#include <utility>

#include "net/busy_poll.hpp"
#include "net/socket.hpp"

namespace plait::bench {

/// What is set on a socket before it connects; 0 leaves the kernel's default.
struct SocketTuning {
  bool no_delay = true;  ///< TCP_NODELAY
  int send_buffer_bytes = 0;
  int receive_buffer_bytes = 0;
};

struct BlockingOptions {
  SocketTuning tuning;
  /// For connecting, and then for each wait for the peer.
  Duration timeout = std::chrono::seconds{10};
  /// Adaptive spinning before a receive blocks; zero: off.
  Duration busy_poll{0};
  /// Resolve names to IPv6 addresses only.
  bool ipv6_only = false;
};

void set_no_delay(const net::Socket& socket, bool on);
void set_blocking(const net::Socket& socket, bool on);
/// What has arrived can still be read, then the end; unblocks a reader.
void shutdown_read(const net::Socket& socket);
/// Ends both directions; unblocks reader and writer.
void shutdown_both(const net::Socket& socket);

/// A connected stream whose calls block.
class BlockingStream {
 public:
  /// Tries each address of the name in turn. Errors name the address and, if refused, how to start a server.
  static Result<BlockingStream, Error> connect(const net::Address& address, const BlockingOptions& options = {});
  /// Takes an accepted socket.
  BlockingStream(net::Socket socket, Duration busy_poll);

  /// Some bytes: status ok, end or error (EAGAIN after the timeout).
  net::IoResult receive(MutableByteView into);
  /// All of `data`.
  net::IoResult send(ByteView data);
  /// Sends all of `out` while it receives as many bytes, and more if `in` has room for them and they are there. Both
  /// directions move, so that a message larger than the buffers on the way cannot lock the pair; a small one is one
  /// send and one receive.
  net::IoResult exchange(ByteView out, MutableByteView in);
  /// What has come already, without waiting: status would_block if nothing has.
  net::IoResult receive_if_ready(MutableByteView into);

  [[nodiscard]] const net::Socket& socket() const { return socket_; }
  [[nodiscard]] net::Socket release() && { return std::move(socket_); }

 private:
  net::IoResult spin(MutableByteView into, std::chrono::steady_clock::time_point begin);
  net::IoResult receive_when_ready(MutableByteView into);
  net::IoResult wait_for(short events);

  net::Socket socket_;
  net::BusyPollBudget busy_poll_;
  int timeout_ms_ = -1;
};

/// "connection reset by peer", "closed by the peer", "no answer within the timeout"; for a status that is not ok.
std::string describe(const net::IoResult& result);

}  // namespace plait::bench
