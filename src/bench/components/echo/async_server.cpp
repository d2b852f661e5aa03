// Loops that share nothing: each has a thread, a listener and a receive buffer.
//
// A connection is read only when nothing waits to be sent on it. So an echo is one receive into the loop's buffer and
// one send from it; a connection owns memory only while its peer does not take what it sent, and then never more than
// one receive; and the peer's FIN is seen only after everything before it has been echoed.
#include <sys/epoll.h>

#include <atomic>
#include <thread>
#include <utility>

#include "bench/components/echo/acceptor.hpp"
#include "bench/components/echo/models.hpp"
#include "bench/components/echo/socket.hpp"
#include "core/assert.hpp"
#include "net/affinity.hpp"
#include "net/loop.hpp"
#include "net/thread.hpp"

namespace plait::bench {
namespace {

using net::IoStatus;

// Edge-triggered, since epoll looks at any other descriptor twice a message.
constexpr std::uint32_t kInput = EPOLLIN | EPOLLRDHUP | EPOLLET;
// Behind what a read gave stands the end, of which epoll has told.
constexpr std::uint32_t kEnd = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

class EchoLoop;

class EchoConnection final : public net::EventHandler, public net::Retirable {
 public:
  EchoConnection(EchoLoop& owner, net::Socket socket) : owner_(owner), socket_(std::move(socket)) {}

  Result<void, Error> start();
  void handle_events(std::uint32_t events) override;
  /// What has arrived is still echoed; then the end is read.
  void finish() { shutdown_read(socket_); }
  void close();

  std::size_t index = 0;  // in the owner's list

 private:
  void echo(std::uint32_t events);
  void send(ByteView data);
  void send_backlog();
  void keep(ByteView rest);
  void watch_input();

  EchoLoop& owner_;
  net::Socket socket_;
  Bytes backlog_;  // not empty: watched for EPOLLOUT only
  EchoConnectionReport report_;
  core::TimePoint begin_;
};

/// Shared by the loops of one server.
struct EchoLoopShared {
  EchoServerOptions options;
  std::atomic<std::size_t> connection_count{0};
};

class EchoLoop final : private core::Timer {
 public:
  EchoLoop(net::Loop& loop, net::Listener listener, EchoLoopShared& shared)
      : loop_(loop),
        shared_(shared),
        acceptor_(loop, std::move(listener), [this](net::Socket s) { add(std::move(s)); }) {}

  Result<void, Error> start() { return acceptor_.start(); }
  /// On the loop's thread; so is `on_drained`, when the last connection has ended.
  void drain(std::function<void()> on_drained);
  void remove(EchoConnection& connection, const EchoConnectionReport& report);

  [[nodiscard]] net::Loop& loop() { return loop_; }
  [[nodiscard]] const EchoTotals& totals() const { return totals_; }
  [[nodiscard]] std::uint16_t port() const { return acceptor_.port(); }

 private:
  void add(net::Socket socket);
  void refuse();
  void on_timer(core::TimePoint now) override;

  net::Loop& loop_;
  EchoLoopShared& shared_;
  EchoAcceptor acceptor_;
  std::vector<std::unique_ptr<EchoConnection>> connections_;
  EchoTotals totals_;
  std::function<void()> on_drained_;
};

Result<void, Error> EchoConnection::start() {
  report_.peer = socket_.peer();
  begin_ = owner_.loop().now();
  return owner_.loop().watch(socket_.fd(), kInput, *this);
}

void EchoConnection::handle_events(std::uint32_t events) {
  if (backlog_.empty()) {
    echo(events);
  } else {
    send_backlog();
  }
}

// A read that filled the buffer, found nothing, or came with the end may have left something, of which epoll tells when
// asked anew.
void EchoConnection::echo(std::uint32_t events) {
  const auto buffer = owner_.loop().receive_buffer();
  const auto received = socket_.read(buffer);
  if (received.status == IoStatus::ok) {
    report_.bytes_received += received.bytes;
    send(buffer.first(received.bytes));
  } else if (received.status != IoStatus::would_block) {
    return close();
  }
  const bool has_emptied = received.status == IoStatus::ok && received.bytes < buffer.size() && (events & kEnd) == 0;
  if (!has_emptied && socket_.is_open() && backlog_.empty()) watch_input();
}

void EchoConnection::watch_input() {
  if (!owner_.loop().rewatch(socket_.fd(), kInput, *this)) close();
}

void EchoConnection::send(ByteView data) {
  const auto sent = socket_.write(data);
  if (sent.status == IoStatus::error) return close();
  report_.bytes_sent += sent.bytes;
  if (sent.bytes < data.size()) keep(data.subspan(sent.bytes));
}

void EchoConnection::keep(ByteView rest) {
  Block* block = owner_.loop().buffers().take(rest.size());
  std::copy(rest.begin(), rest.end(), block->data());
  backlog_ = Bytes::share(*block, {block->data(), rest.size()});
  block->release();
  if (!owner_.loop().rewatch(socket_.fd(), EPOLLOUT, *this)) close();
}

void EchoConnection::send_backlog() {
  const auto sent = socket_.write(backlog_.view());
  if (sent.status == IoStatus::error) return close();
  report_.bytes_sent += sent.bytes;
  backlog_ = backlog_.slice(sent.bytes, backlog_.size() - sent.bytes);
  if (!backlog_.empty()) return;
  backlog_ = {};
  watch_input();
}

void EchoConnection::close() {
  owner_.loop().unwatch(socket_.fd(), *this);
  socket_.close();
  report_.lasted = owner_.loop().now() - begin_;
  owner_.remove(*this, report_);
}

void EchoLoop::add(net::Socket socket) {
  if (shared_.connection_count.fetch_add(1) >= shared_.options.connections_max) return refuse();
  if (!shared_.options.no_delay) set_no_delay(socket, false);
  auto connection = std::make_unique<EchoConnection>(*this, std::move(socket));
  if (!connection->start()) return refuse();
  connection->index = connections_.size();
  connections_.push_back(std::move(connection));
  ++totals_.connections;
}

void EchoLoop::refuse() {
  --shared_.connection_count;
  ++totals_.connections_refused;
}

void EchoLoop::remove(EchoConnection& connection, const EchoConnectionReport& report) {
  totals_.bytes_received += report.bytes_received;
  totals_.bytes_sent += report.bytes_sent;
  --shared_.connection_count;
  if (shared_.options.on_connection_end) shared_.options.on_connection_end(report);
  std::swap(connections_[connection.index], connections_.back());
  connections_[connection.index]->index = connection.index;
  loop_.retire(std::move(connections_.back()));
  connections_.pop_back();
  if (on_drained_ && connections_.empty()) on_drained_();
}

void EchoLoop::drain(std::function<void()> on_drained) {
  acceptor_.close();
  on_drained_ = std::move(on_drained);
  if (connections_.empty()) return on_drained_();
  for (auto& connection : connections_) connection->finish();
  loop_.schedule(*this, loop_.now() + shared_.options.drain_timeout);
}

void EchoLoop::on_timer(core::TimePoint /*now*/) {
  while (!connections_.empty()) connections_.back()->close();
}

/// A loop with a thread of its own.
struct EchoLoopThread {
  std::unique_ptr<net::Loop> loop;
  std::unique_ptr<EchoLoop> echo;
  std::thread thread;
};

class AsyncEchoServer final : public EchoServer {
 public:
  AsyncEchoServer(net::Loop& loop, const EchoServerOptions& options) : loop_(loop), shared_{.options = options} {}
  ~AsyncEchoServer() override { PLAIT_ASSERT(!echo_ || finished_, "stop() first, and wait until it is done"); }

  Result<void, Error> open();
  [[nodiscard]] std::uint16_t port() const override { return port_; }
  void stop(std::function<void(const EchoTotals&)> done) override;

 private:
  Result<void, Error> add_loop(net::Listener listener);
  Result<void, Error> start_threads();
  void run(std::size_t number);
  void count_drained();

  net::Loop& loop_;
  EchoLoopShared shared_;
  std::uint16_t port_ = 0;
  std::unique_ptr<EchoLoop> echo_;  // on loop_
  std::vector<EchoLoopThread> others_;
  std::size_t drained_count_ = 0;
  bool finished_ = false;
  std::function<void(const EchoTotals&)> done_;
};

/// The first listener does not share its port, so that a port that somebody has is refused: with SO_REUSEPORT a second
/// server of this user would take some of the connections.
Result<void, Error> AsyncEchoServer::open() {
  auto first = net::Listener::bind(shared_.options.address, {.reuse_port = false});
  if (!first) return err(std::move(first.error()));
  port_ = first->port();
  for (unsigned i = 1; i < shared_.options.threads; ++i) {
    auto next = first->another();
    if (!next) return err(std::move(next.error()));
    if (auto added = add_loop(std::move(*next)); !added) return added;
  }
  auto echo = std::make_unique<EchoLoop>(loop_, std::move(*first), shared_);
  if (auto started = echo->start(); !started) return started;
  if (auto started = start_threads(); !started) return started;
  echo_ = std::move(echo);
  return {};
}

Result<void, Error> AsyncEchoServer::start_threads() {
  for (std::size_t i = 0; i < others_.size(); ++i) {
    auto started = net::start_thread([this, i] { run(i); });
    if (started) {
      others_[i].thread = std::move(*started);
      continue;
    }
    for (std::size_t j = 0; j < i; ++j) {
      others_[j].loop->stop();
      others_[j].thread.join();
    }
    return err(Error{
        "loop " + std::to_string(i + 2) + " of " + std::to_string(others_.size() + 1) + ": " + started.error().message,
        started.error().system_errno});
  }
  return {};
}

Result<void, Error> AsyncEchoServer::add_loop(net::Listener listener) {
  auto loop = net::Loop::make(loop_options(shared_.options));
  if (!loop) return err(std::move(loop.error()));
  auto echo = std::make_unique<EchoLoop>(**loop, std::move(listener), shared_);
  if (auto started = echo->start(); !started) return started;
  others_.push_back({.loop = std::move(*loop), .echo = std::move(echo), .thread = {}});
  return {};
}

void AsyncEchoServer::run(std::size_t number) {
  const auto& cpus = shared_.options.cpus;
  // A CPU that cannot be used was refused before the server started.
  if (!cpus.empty()) static_cast<void>(net::pin_this_thread(cpus[(number + 1) % cpus.size()]));
  others_[number].loop->run();
}

void AsyncEchoServer::stop(std::function<void(const EchoTotals&)> done) {
  done_ = std::move(done);
  echo_->drain([this] { count_drained(); });
  for (auto& other : others_) {
    other.loop->post([this, &other] {
      other.echo->drain([this, &other] {
        other.loop->stop();
        count_drained();
      });
    });
  }
}

/// On the thread of the loop that has drained.
void AsyncEchoServer::count_drained() {
  loop_.post([this] {
    if (++drained_count_ <= others_.size()) return;
    EchoTotals totals = echo_->totals();
    for (auto& other : others_) {
      other.thread.join();
      totals += other.echo->totals();
    }
    finished_ = true;
    done_(totals);
  });
}

}  // namespace

Result<std::unique_ptr<EchoServer>, Error> start_async_echo_server(net::Loop& loop, const EchoServerOptions& options) {
  auto server = std::make_unique<AsyncEchoServer>(loop, options);
  if (auto opened = server->open(); !opened) return err(std::move(opened.error()));
  return std::unique_ptr<EchoServer>{std::move(server)};
}

}  // namespace plait::bench
