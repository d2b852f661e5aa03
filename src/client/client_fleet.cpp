// ClientFleet: clients on threads of their own.
//
// Whoever calls reaches a client by a task posted to its loop, and by nothing else. The lock is for the two moments at
// which there is none: before start(), and once stop() has been called. It is held for a choice and a post, never while
// a user's code runs.
#include <plait/pool.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>
#include <utility>

#include "client/client_impl.hpp"
#include "core/assert.hpp"
#include "net/affinity.hpp"
#include "net/thread.hpp"
#include "transport/handler_proxy.hpp"
#include "transport/no_session.hpp"

namespace plait {
namespace {

constexpr std::chrono::hours kUntilStopped{1};  // a task ends it

// What a handler needs to know of its client; outlives it.
struct Load {
  std::atomic<std::size_t> sessions{0};  // opening and open
  std::atomic<std::size_t> open{0};
  std::atomic<std::uint64_t> opened{0};
  std::atomic<std::uint64_t> failed{0};
};

// The handler of one session, with the user's own.
class Member final : public transport::HandlerProxy {
 public:
  Member(Load& load, std::shared_ptr<SessionHandler> handler)
      : HandlerProxy(*handler), load_(load), handler_(std::move(handler)) {}
  void on_open(Session& session) override {
    is_open_ = true;
    ++load_.open;
    ++load_.opened;
    HandlerProxy::on_open(session);
  }
  void on_close(Session& session, const CloseInfo& info) override {
    is_open_ ? static_cast<void>(--load_.open) : static_cast<void>(++load_.failed);
    --load_.sessions;
    HandlerProxy::on_close(session, info);
  }

 private:
  Load& load_;
  const std::shared_ptr<SessionHandler> handler_;
  bool is_open_ = false;
};

}  // namespace

class ClientFleet::Impl {
 public:
  explicit Impl(const FleetOptions& options)
      : options_(options), crew_(options.clients != 0 ? options.clients : net::available_cpus().size()) {}

  Result<void, Error> start();
  void stop();
  Result<void, Error> connect(std::string url, std::unique_ptr<SessionHandler> handler, const ConnectOptions& options);
  void post(SessionId id, std::function<void(Session&)> task);
  [[nodiscard]] FleetStats stats() const;
  [[nodiscard]] std::size_t size() const { return crew_.size(); }

 private:
  struct One {
    Load load;
    std::unique_ptr<Client> client;  // from start() to the end of its thread
    FleetStats traffic;              // once there is none
    bool ending = false;             // its thread's
    std::thread thread;
  };
  enum class Phase : std::uint8_t { made, running, stopped };

  Result<void, Error> start(One& one);
  static void add_traffic(const Client& client, FleetStats& stats);
  void run(One& one);
  One& choose();

  const FleetOptions options_;
  mutable std::mutex mutex_;  // guards all below but what is its thread's
  Phase phase_ = Phase::made;
  std::size_t next_ = 0;
  std::vector<One> crew_;
};

Result<void, Error> ClientFleet::Impl::start() {
  {
    const std::lock_guard lock{mutex_};
    if (phase_ != Phase::made) return err(Error{"a fleet of clients starts once"});
    phase_ = Phase::running;
    std::uint32_t index = 0;
    for (One& one : crew_) one.client = ClientAccess::make(options_.client, index++);
  }
  for (One& one : crew_) {
    if (auto started = start(one); !started) {
      stop();
      return err(Error{"cannot start a fleet of " + std::to_string(size()) + " clients: " + started.error().message,
                       started.error().system_errno});
    }
  }
  return {};
}

Result<void, Error> ClientFleet::Impl::start(One& one) {
  if (auto opened = ClientAccess::open(*one.client); !opened) return opened;
  auto thread = net::start_thread([this, &one] { run(one); });
  if (!thread) return err(thread.error());
  one.thread = std::move(*thread);
  return {};
}

// Until the last task that stop() posts; what was posted before it has run by then.
void ClientFleet::Impl::run(One& one) {
  while (!one.ending) one.client->run_once(kUntilStopped);
  std::unique_ptr<Client> client;
  {
    const std::lock_guard lock{mutex_};
    add_traffic(*one.client, one.traffic);
    client = std::move(one.client);
  }
}  // the client ends its sessions here, which tells their handlers

void ClientFleet::Impl::stop() {
  {
    const std::lock_guard lock{mutex_};
    if (phase_ == Phase::running) {
      for (One& one : crew_) one.client->executor().post([&one] { one.ending = true; });
    }
    phase_ = Phase::stopped;
  }
  for (One& one : crew_) {
    PLAIT_ASSERT(one.thread.get_id() != std::this_thread::get_id(), "a handler cannot wait for its own thread's end");
    if (one.thread.joinable()) {
      one.thread.join();
    } else if (one.client != nullptr) {
      run(one);  // start() failed before it had a thread
    }
  }
}

// With the mutex held.
ClientFleet::Impl::One& ClientFleet::Impl::choose() {
  One& in_turn = crew_[next_++ % crew_.size()];
  if (options_.policy == FleetPolicy::round_robin) return in_turn;
  return *std::ranges::min_element(crew_, {}, [](const One& one) { return one.load.sessions.load(); });
}

Result<void, Error> ClientFleet::Impl::connect(std::string url, std::unique_ptr<SessionHandler> handler,
                                               const ConnectOptions& options) {
  if (handler == nullptr) return err(Error{"the handler is null"});
  const std::lock_guard lock{mutex_};
  if (phase_ != Phase::running) return err(Error{"the fleet of clients does not run"});
  One& one = choose();
  ++one.load.sessions;
  one.client->executor().post(
      [&one, url = std::move(url), options, shared = std::shared_ptr<SessionHandler>{std::move(handler)}] {
        auto member = std::make_unique<Member>(one.load, shared);
        const auto connected = one.client->connect(url, std::move(member), options);
        if (connected) return;
        ++one.load.failed;
        --one.load.sessions;
        transport::tell_not_opened(*shared, {.reason = connected.error().message}, one.client->executor());
      });
  return {};
}

void ClientFleet::Impl::post(SessionId id, std::function<void(Session&)> task) {
  const std::lock_guard lock{mutex_};
  if (phase_ == Phase::running && id.loop < crew_.size()) crew_[id.loop].client->post(id, std::move(task));
}

void ClientFleet::Impl::add_traffic(const Client& client, FleetStats& stats) {
  const transport::Counters& counters = ClientAccess::context(client).counters;
  stats.messages_received += counters.messages_received.get();
  stats.messages_sent += counters.messages_sent.get();
  stats.bytes_received += counters.bytes_received.get();
  stats.bytes_sent += counters.bytes_sent.get();
}

FleetStats ClientFleet::Impl::stats() const {
  FleetStats stats;
  const std::lock_guard lock{mutex_};
  for (const One& one : crew_) {
    const std::size_t open = one.load.open;
    const std::size_t sessions = one.load.sessions;
    stats.open += open;
    stats.opening += sessions - std::min(open, sessions);
    stats.opened_total += one.load.opened;
    stats.failed_total += one.load.failed;
    stats.sessions.push_back(sessions);
    stats.messages_received += one.traffic.messages_received;
    stats.messages_sent += one.traffic.messages_sent;
    stats.bytes_received += one.traffic.bytes_received;
    stats.bytes_sent += one.traffic.bytes_sent;
    if (one.client != nullptr) add_traffic(*one.client, stats);
  }
  return stats;
}

ClientFleet::ClientFleet(const FleetOptions& options) : impl_(std::make_unique<Impl>(options)) {}
ClientFleet::~ClientFleet() { stop(); }

Result<void, Error> ClientFleet::start() { return impl_->start(); }
void ClientFleet::stop() { impl_->stop(); }
Result<void, Error> ClientFleet::connect(std::string_view url, std::unique_ptr<SessionHandler> handler,
                                         const ConnectOptions& options) {
  return impl_->connect(std::string{url}, std::move(handler), options);
}
void ClientFleet::post(SessionId id, std::function<void(Session&)> task) { impl_->post(id, std::move(task)); }
FleetStats ClientFleet::stats() const { return impl_->stats(); }
std::size_t ClientFleet::size() const { return impl_->size(); }

}  // namespace plait
