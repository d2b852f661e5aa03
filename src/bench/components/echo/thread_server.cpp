// The loop accepts; each connection has a thread and a buffer of its own, whose calls block. All bookkeeping is on the
// loop: a thread that has ended says so by post().
#include <list>
#include <thread>
#include <utility>

#include "bench/components/echo/acceptor.hpp"
#include "bench/components/echo/models.hpp"
#include "bench/components/echo/socket.hpp"
#include "core/assert.hpp"
#include "net/affinity.hpp"
#include "net/thread.hpp"

namespace plait::bench {
namespace {

using Clock = std::chrono::steady_clock;
using net::IoStatus;

constexpr std::size_t kBufferBytes = std::size_t{64} << 10;

class ThreadEchoServer final : public EchoServer, private core::Timer {
 public:
  ThreadEchoServer(net::Loop& loop, net::Listener listener, const EchoServerOptions& options)
      : options_(options),
        loop_(loop),
        acceptor_(loop, std::move(listener), [this](net::Socket socket) { open(std::move(socket)); }) {}
  ~ThreadEchoServer() override { PLAIT_ASSERT(open_.empty(), "stop() first, and wait until it is done"); }

  Result<void, Error> start() { return acceptor_.start(); }
  [[nodiscard]] std::uint16_t port() const override { return acceptor_.port(); }
  void stop(std::function<void(const EchoTotals&)> done) override;

 private:
  struct Connection {
    Connection(net::Socket socket, Duration busy_poll) : stream(std::move(socket), busy_poll) {}
    BlockingStream stream;
    std::thread thread;
  };
  using Connections = std::list<Connection>;

  void open(net::Socket socket);
  void serve(Connections::iterator connection, std::uint64_t number);
  void echo_all(BlockingStream& stream, EchoConnectionReport& report) const;
  void end(Connections::iterator connection, const EchoConnectionReport& report);
  void on_timer(core::TimePoint now) override;

  const EchoServerOptions options_;
  net::Loop& loop_;
  EchoAcceptor acceptor_;
  Connections open_;
  EchoTotals totals_;
  std::function<void(const EchoTotals&)> done_;
};

void ThreadEchoServer::open(net::Socket socket) {
  if (open_.size() >= options_.connections_max) {
    ++totals_.connections_refused;
    return;
  }
  if (!options_.no_delay) set_no_delay(socket, false);
  open_.emplace_front(std::move(socket), options_.busy_poll);
  auto thread = net::start_thread(
      [this, connection = open_.begin(), number = totals_.connections] { serve(connection, number); });
  if (thread) {
    open_.front().thread = std::move(*thread);
    ++totals_.connections;
  } else {  // this connection is closed, the others live on
    open_.pop_front();
    ++totals_.connections_refused;
  }
}

/// On the connection's thread.
void ThreadEchoServer::serve(Connections::iterator connection, std::uint64_t number) {
  const auto& cpus = options_.cpus;
  // A CPU that cannot be used was refused before the server started.
  if (!cpus.empty()) static_cast<void>(net::pin_this_thread(cpus[number % cpus.size()]));
  EchoConnectionReport report;
  report.peer = connection->stream.socket().peer();
  const auto begin = Clock::now();
  echo_all(connection->stream, report);
  report.lasted = Clock::now() - begin;
  loop_.post([this, connection, report] { end(connection, report); });
}

void ThreadEchoServer::echo_all(BlockingStream& stream, EchoConnectionReport& report) const {
  std::vector<std::uint8_t> buffer(options_.buffer_bytes > 0 ? options_.buffer_bytes : kBufferBytes);
  for (;;) {
    const auto received = stream.receive(buffer);
    if (received.status != IoStatus::ok) return;
    report.bytes_received += received.bytes;
    const auto sent = stream.send({buffer.data(), received.bytes});
    report.bytes_sent += sent.bytes;
    if (sent.status != IoStatus::ok) return;
  }
}

void ThreadEchoServer::end(Connections::iterator connection, const EchoConnectionReport& report) {
  connection->thread.join();
  open_.erase(connection);
  totals_.bytes_received += report.bytes_received;
  totals_.bytes_sent += report.bytes_sent;
  if (options_.on_connection_end) options_.on_connection_end(report);
  if (done_ && open_.empty()) done_(totals_);
}

void ThreadEchoServer::stop(std::function<void(const EchoTotals&)> done) {
  acceptor_.close();
  done_ = std::move(done);
  if (open_.empty()) return done_(totals_);
  for (Connection& connection : open_) shutdown_read(connection.stream.socket());
  loop_.schedule(*this, loop_.now() + options_.drain_timeout);
}

void ThreadEchoServer::on_timer(core::TimePoint /*now*/) {
  for (Connection& connection : open_) shutdown_both(connection.stream.socket());
}

}  // namespace

Result<std::unique_ptr<EchoServer>, Error> start_thread_echo_server(net::Loop& loop, const EchoServerOptions& options) {
  auto listener = net::Listener::bind(options.address, {.reuse_port = false});
  if (!listener) return err(std::move(listener.error()));
  auto server = std::make_unique<ThreadEchoServer>(loop, std::move(*listener), options);
  if (auto started = server->start(); !started) return err(std::move(started.error()));
  return std::unique_ptr<EchoServer>{std::move(server)};
}

}  // namespace plait::bench
