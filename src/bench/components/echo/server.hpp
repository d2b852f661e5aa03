// EchoServer: raw bytes come back as they came. Two models, as the published pair has them: one blocking thread for
// each connection, or epoll loops. A peer that stops reading is no longer read from; nobody else notices.
#pragma once

#include <plait/limits.hpp>
#include <plait/result.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/loop.hpp"
#include "net/socket.hpp"

namespace plait::bench {

enum class EchoModel : std::uint8_t {
  thread,  ///< a thread with a buffer for each connection
  async,   ///< `threads` loops, each with one receive buffer for all its connections
};

/// What one connection has moved, told when it ends.
struct EchoConnectionReport {
  std::string peer;
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_sent = 0;
  Duration lasted{0};
};

struct EchoTotals {
  std::uint64_t connections = 0;
  std::uint64_t connections_refused = 0;  ///< beyond connections_max, closed on accept
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_sent = 0;

  EchoTotals& operator+=(const EchoTotals& other) {
    connections += other.connections;
    connections_refused += other.connections_refused;
    bytes_received += other.bytes_received;
    bytes_sent += other.bytes_sent;
    return *this;
  }
};

struct EchoServerOptions {
  EchoModel model = EchoModel::async;
  net::Address address{.host = "127.0.0.1", .port = 0, .unix_path = {}};
  /// Most bytes of one receive. thread: a buffer for each connection, 0 means 64 KiB; async: one for each loop, 0 means
  /// the loop's default.
  std::size_t buffer_bytes = 0;
  /// async: loops. The first one is the caller's; the others have threads of their own.
  unsigned threads = 1;
  /// CPUs for the threads in turn; empty: not pinned. async: the first one is the caller's, who pins it himself.
  std::vector<int> cpus;
  /// Adaptive spinning before a wait; zero: off.
  Duration busy_poll{0};
  /// TCP_NODELAY. Without it a message above the buffer size waits for the peer's delayed acknowledgement: 40 ms.
  bool no_delay = true;
  std::size_t connections_max = 100'000;
  /// How long stop() waits for peers to take what they sent.
  Duration drain_timeout = std::chrono::seconds{1};
  /// Called when a connection is closed and counts no more; with several loops from several threads at once.
  std::function<void(const EchoConnectionReport&)> on_connection_end;
};

/// One loop is the caller's rather than a thread of the server: where two threads share a table of file descriptors,
/// the kernel counts references in every call, which costs 5 % of a small echo. So one loop alone runs in one thread.
class EchoServer {
 public:
  /// Listening when it returns; serves while `loop` runs. Errors name the address or option and the fix.
  static Result<std::unique_ptr<EchoServer>, Error> start(net::Loop& loop, const EchoServerOptions& options);
  /// What start()'s loop is best made with.
  static net::LoopOptions loop_options(const EchoServerOptions& options);
  /// After stop() is done (programmer error), before the loop.
  virtual ~EchoServer() = default;

  /// The port really bound; 0 for a Unix socket.
  [[nodiscard]] virtual std::uint16_t port() const = 0;
  /// Stops accepting, echoes what has arrived, closes every connection, at the latest after drain_timeout; then `done`
  /// is told what all connections moved. Once, on the loop's thread; so is `done`, in which the server must not end.
  virtual void stop(std::function<void(const EchoTotals&)> done) = 0;
};

}  // namespace plait::bench
