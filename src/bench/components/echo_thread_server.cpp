// One thread accepts; each connection has a thread and a buffer of its own, whose calls block.
#include <poll.h>
#include <sys/socket.h>

#include <condition_variable>
#include <list>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "bench/components/echo_models.hpp"
#include "bench/components/echo_socket.hpp"
#include "net/affinity.hpp"

namespace plait::bench {
namespace {

using Clock = std::chrono::steady_clock;
using net::IoStatus;

constexpr std::size_t kBufferBytes = std::size_t{64} << 10;

class ThreadEchoServer final : public EchoServer {
 public:
  ThreadEchoServer(net::Listener listener, const EchoServerOptions& options)
      : options_(options), listener_(std::move(listener)), acceptor_([this] { accept_all(); }) {}
  ~ThreadEchoServer() override {
    if (acceptor_.joinable()) stop();
  }

  [[nodiscard]] std::uint16_t port() const override { return listener_.port(); }
  EchoTotals stop() override;

 private:
  struct Connection {
    Connection(net::Socket socket, Duration busy_poll) : stream(std::move(socket), busy_poll) {}
    BlockingStream stream;
    std::thread thread;
  };
  using Connections = std::list<Connection>;

  void accept_all();
  bool accept_one();
  void open(net::Socket socket);
  void serve(Connections::iterator connection, std::uint64_t number);
  void end(Connections::iterator connection, const EchoConnectionReport& report);
  void wait_for_an_end();
  void join_ended();

  const EchoServerOptions options_;
  net::Listener listener_;

  std::mutex mutex_;  // guards what follows, up to acceptor_
  std::condition_variable connection_ended_;
  Connections open_;
  Connections ended_;  // their threads are about to return
  EchoTotals totals_;
  bool stopping_ = false;

  std::thread acceptor_;  // the last member: it uses all others
};

void ThreadEchoServer::accept_all() {
  pollfd ready{.fd = listener_.fd(), .events = POLLIN, .revents = 0};
  for (;;) {
    ::poll(&ready, 1, -1);
    {
      const std::lock_guard lock{mutex_};
      if (stopping_) return;
    }
    while (accept_one()) join_ended();
  }
}

/// False when nobody waits to be accepted.
bool ThreadEchoServer::accept_one() {
  net::Socket socket;
  const auto result = listener_.accept(socket);
  if (result.status == IoStatus::error) wait_for_an_end();
  if (result.status != IoStatus::ok) return false;
  open(std::move(socket));
  return true;
}

void ThreadEchoServer::open(net::Socket socket) {
  const std::lock_guard lock{mutex_};
  if (stopping_) return;
  if (open_.size() >= options_.connections_max) {
    ++totals_.connections_refused;
    return;
  }
  set_no_delay(socket, options_.no_delay);
  open_.emplace_front(std::move(socket), options_.busy_poll);
  const std::uint64_t number = totals_.connections++;
  try {
    open_.front().thread = std::thread{[this, connection = open_.begin(), number] { serve(connection, number); }};
  } catch (const std::system_error&) {  // no more threads: this connection is closed, the others live on
    open_.pop_front();
    --totals_.connections;
    ++totals_.connections_refused;
  }
}

void ThreadEchoServer::serve(Connections::iterator connection, std::uint64_t number) {
  // The CPUs were tried when the server started.
  if (!options_.cpus.empty()) static_cast<void>(net::pin_this_thread(options_.cpus[number % options_.cpus.size()]));
  BlockingStream& stream = connection->stream;
  EchoConnectionReport report{.peer = stream.socket().peer()};
  const auto begin = Clock::now();
  std::vector<std::uint8_t> buffer(options_.buffer_bytes > 0 ? options_.buffer_bytes : kBufferBytes);
  for (;;) {
    const auto received = stream.receive(buffer);
    if (received.status != IoStatus::ok) break;
    report.bytes_received += received.bytes;
    const auto sent = stream.send({buffer.data(), received.bytes});
    report.bytes_sent += sent.bytes;
    if (sent.status != IoStatus::ok) break;
  }
  report.lasted = Clock::now() - begin;
  end(connection, report);
}

void ThreadEchoServer::end(Connections::iterator connection, const EchoConnectionReport& report) {
  if (options_.on_connection_end) options_.on_connection_end(report);
  net::Socket closing;  // destroyed after the lock
  const std::lock_guard lock{mutex_};
  closing = std::move(connection->stream).release();
  totals_.bytes_received += report.bytes_received;
  totals_.bytes_sent += report.bytes_sent;
  ended_.splice(ended_.end(), open_, connection);
  connection_ended_.notify_all();
}

/// Out of file descriptors or memory: the listener stays readable, so look again when a connection has ended.
void ThreadEchoServer::wait_for_an_end() {
  std::unique_lock lock{mutex_};
  const std::size_t before = ended_.size();
  connection_ended_.wait_for(lock, std::chrono::milliseconds{100},
                             [&] { return stopping_ || ended_.size() != before; });
}

void ThreadEchoServer::join_ended() {
  Connections ended;
  {
    const std::lock_guard lock{mutex_};
    ended.swap(ended_);
  }
  for (Connection& connection : ended) connection.thread.join();
}

EchoTotals ThreadEchoServer::stop() {
  {
    std::unique_lock lock{mutex_};
    stopping_ = true;
    connection_ended_.notify_all();
    ::shutdown(listener_.fd(), SHUT_RDWR);  // wakes the acceptor
    for (Connection& connection : open_) shutdown_read(connection.stream.socket());
    connection_ended_.wait_for(lock, options_.drain_timeout, [this] { return open_.empty(); });
    for (Connection& connection : open_) shutdown_both(connection.stream.socket());
    connection_ended_.wait(lock, [this] { return open_.empty(); });
  }
  acceptor_.join();
  join_ended();
  listener_.close();
  return totals_;
}

}  // namespace

Result<std::unique_ptr<EchoServer>, Error> start_thread_echo_server(const EchoServerOptions& options) {
  auto listener = net::Listener::bind(options.address, {.reuse_port = false});
  if (!listener) return err(std::move(listener.error()));
  return std::unique_ptr<EchoServer>{std::make_unique<ThreadEchoServer>(std::move(*listener), options)};
}

}  // namespace plait::bench
