// Loops that share nothing: each has its own thread, listener and receive buffer.
//
// A connection is read only when nothing waits to be sent on it. So an echo is one receive into the loop's buffer and
// one send from it; a connection owns memory only while its peer does not take what it sent, and then never more than
// one receive; and the peer's FIN is seen only after everything before it has been echoed.
#include <sys/epoll.h>

#include <atomic>
#include <future>
#include <thread>
#include <utility>

#include "bench/components/echo_models.hpp"
#include "bench/components/echo_socket.hpp"
#include "net/affinity.hpp"
#include "net/loop.hpp"

namespace plait::bench {
namespace {

using net::IoStatus;

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
  void echo();
  void send(ByteView data);
  void send_backlog();
  void keep(ByteView rest);

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

class EchoLoop final : public net::EventHandler, private core::Timer {
 public:
  EchoLoop(std::unique_ptr<net::Loop> loop, net::Listener listener, EchoLoopShared& shared)
      : loop_(std::move(loop)), listener_(std::move(listener)), shared_(shared) {}

  /// Accepts and echoes until stop(); the calling thread becomes the loop's.
  void run();
  /// From any thread.
  void stop() {
    loop_->post([this] { drain(); });
  }
  void handle_events(std::uint32_t events) override;
  void remove(EchoConnection& connection, const EchoConnectionReport& report);

  [[nodiscard]] net::Loop& loop() { return *loop_; }
  [[nodiscard]] const EchoTotals& totals() const { return totals_; }
  [[nodiscard]] std::uint16_t port() const { return listener_.port(); }

 private:
  static constexpr int kAcceptsPerTurn = 64;
  static constexpr std::chrono::milliseconds kAcceptRetry{100};

  void on_timer(core::TimePoint now) override;
  void add(net::Socket socket);
  void pause_accepting();
  void drain();

  std::unique_ptr<net::Loop> loop_;
  net::Listener listener_;
  EchoLoopShared& shared_;
  std::vector<std::unique_ptr<EchoConnection>> connections_;
  EchoTotals totals_;
  bool draining_ = false;
};

Result<void, Error> EchoConnection::start() {
  report_.peer = socket_.peer();
  begin_ = owner_.loop().now();
  return owner_.loop().watch(socket_.fd(), EPOLLIN, *this);
}

void EchoConnection::handle_events(std::uint32_t /*events*/) {
  if (backlog_.empty()) {
    echo();
  } else {
    send_backlog();
  }
}

void EchoConnection::echo() {
  const auto buffer = owner_.loop().receive_buffer();
  const auto received = socket_.read(buffer);
  if (received.status == IoStatus::ok) {
    report_.bytes_received += received.bytes;
    send(buffer.first(received.bytes));
  } else if (received.status != IoStatus::would_block) {
    close();
  }
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
  if (!owner_.loop().rewatch(socket_.fd(), EPOLLIN, *this)) close();
}

void EchoConnection::close() {
  owner_.loop().unwatch(socket_.fd(), *this);
  socket_.close();
  report_.lasted = owner_.loop().now() - begin_;
  owner_.remove(*this, report_);
}

void EchoLoop::run() {
  // A loop that cannot watch its listener has no work; stop() still ends it.
  static_cast<void>(loop_->watch(listener_.fd(), EPOLLIN, *this));
  loop_->run();
}

void EchoLoop::handle_events(std::uint32_t /*events*/) {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    net::Socket socket;
    const auto result = listener_.accept(socket);
    if (result.status == IoStatus::error) return pause_accepting();
    if (result.status != IoStatus::ok) return;
    add(std::move(socket));
  }
}

void EchoLoop::add(net::Socket socket) {
  if (shared_.connection_count.fetch_add(1) >= shared_.options.connections_max) {
    --shared_.connection_count;
    ++totals_.connections_refused;
    return;
  }
  if (!shared_.options.no_delay) set_no_delay(socket, false);
  auto connection = std::make_unique<EchoConnection>(*this, std::move(socket));
  if (!connection->start()) {
    --shared_.connection_count;
    ++totals_.connections_refused;
    return;
  }
  connection->index = connections_.size();
  connections_.push_back(std::move(connection));
  ++totals_.connections;
}

void EchoLoop::remove(EchoConnection& connection, const EchoConnectionReport& report) {
  totals_.bytes_received += report.bytes_received;
  totals_.bytes_sent += report.bytes_sent;
  if (shared_.options.on_connection_end) shared_.options.on_connection_end(report);
  --shared_.connection_count;
  std::swap(connections_[connection.index], connections_.back());
  connections_[connection.index]->index = connection.index;
  loop_->retire(std::move(connections_.back()));
  connections_.pop_back();
  if (draining_ && connections_.empty()) loop_->stop();
}

/// Out of file descriptors or memory: the listener stays readable and would keep the loop busy.
void EchoLoop::pause_accepting() {
  loop_->unwatch(listener_.fd(), *this);
  loop_->schedule(*this, loop_->now() + kAcceptRetry);
}

void EchoLoop::drain() {
  draining_ = true;
  loop_->unwatch(listener_.fd(), *this);
  listener_.close();
  if (connections_.empty()) return loop_->stop();
  for (auto& connection : connections_) connection->finish();
  loop_->schedule(*this, loop_->now() + shared_.options.drain_timeout);
}

void EchoLoop::on_timer(core::TimePoint /*now*/) {
  if (!draining_) {
    static_cast<void>(loop_->watch(listener_.fd(), EPOLLIN, *this));
    return;
  }
  while (!connections_.empty()) connections_.back()->close();
}

class AsyncEchoServer final : public EchoServer {
 public:
  explicit AsyncEchoServer(const EchoServerOptions& options) : shared_{.options = options} {}
  ~AsyncEchoServer() override {
    if (!threads_.empty()) stop();
  }

  Result<void, Error> open();
  [[nodiscard]] std::uint16_t port() const override { return port_; }
  EchoTotals stop() override;

 private:
  Result<void, Error> open_listeners(std::vector<net::Listener>& listeners);
  void run(unsigned number);

  EchoLoopShared shared_;
  std::uint16_t port_ = 0;
  std::vector<std::unique_ptr<EchoLoop>> loops_;
  std::vector<std::thread> threads_;
};

Result<void, Error> AsyncEchoServer::open() {
  std::vector<net::Listener> listeners;
  if (auto opened = open_listeners(listeners); !opened) return opened;
  for (auto& listener : listeners) {
    net::LoopOptions loop_options{.busy_poll = shared_.options.busy_poll};
    if (shared_.options.buffer_bytes > 0) loop_options.receive_buffer_bytes = shared_.options.buffer_bytes;
    auto loop = net::Loop::make(loop_options);
    if (!loop) return err(std::move(loop.error()));
    loops_.push_back(std::make_unique<EchoLoop>(std::move(*loop), std::move(listener), shared_));
  }
  for (unsigned i = 0; i < loops_.size(); ++i) threads_.emplace_back([this, i] { run(i); });
  return {};
}

/// The first is bound alone, so that a port that another server of this user has is refused; SO_REUSEPORT would share
/// it, and each server would get some of the connections.
Result<void, Error> AsyncEchoServer::open_listeners(std::vector<net::Listener>& listeners) {
  const auto& options = shared_.options;
  auto first = net::Listener::bind(options.address, {.reuse_port = false});
  if (!first) return err(std::move(first.error()));
  port_ = first->port();
  listeners.push_back(std::move(*first));
  while (listeners.size() < options.threads) {
    auto next = listeners.front().another();
    if (!next) return err(std::move(next.error()));
    listeners.push_back(std::move(*next));
  }
  return {};
}

void AsyncEchoServer::run(unsigned number) {
  const auto& cpus = shared_.options.cpus;
  if (!cpus.empty())
    static_cast<void>(net::pin_this_thread(cpus[number % cpus.size()]));  // tried when the server started
  loops_[number]->run();
}

EchoTotals AsyncEchoServer::stop() {
  for (auto& loop : loops_) loop->stop();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
  EchoTotals totals;
  for (auto& loop : loops_) totals += loop->totals();
  return totals;
}

}  // namespace

Result<std::unique_ptr<EchoServer>, Error> start_async_echo_server(const EchoServerOptions& options) {
  auto server = std::make_unique<AsyncEchoServer>(options);
  if (auto opened = server->open(); !opened) return err(std::move(opened.error()));
  return std::unique_ptr<EchoServer>{std::move(server)};
}

}  // namespace plait::bench
