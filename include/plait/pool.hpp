// Pools of sessions and of streams, connecting to the best of several servers, and many clients at once. All but the
// last on one client's thread; nothing here is to be destroyed inside one of its own callbacks.
#pragma once

#include <plait/client.hpp>
#include <plait/config.hpp>
#include <plait/result.hpp>
#include <plait/session.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace plait {

struct PoolOptions {
  /// Idle, lent and opening together.
  std::size_t size_max = 10;
  /// Who waits for one; beyond, acquire() fails at once.
  std::size_t waiting_max = 1000;
  /// From acquire() to its answer.
  Duration acquire_timeout = std::chrono::seconds{10};
};

struct PoolStats {
  std::size_t idle = 0;
  std::size_t lent = 0;
  std::size_t opening = 0;
  std::size_t waiting = 0;
  std::uint64_t opened_total = 0;
  std::uint64_t failed_total = 0;  ///< openings
};

/// Sessions to one URL that are lent and taken back. One that has ended is dropped at that moment and never handed out.
class PLAIT_API SessionPool {
 public:
  using Acquired = std::function<void(Result<Session*, Error>)>;

  /// `client` outlives the pool. `factory` makes the handler of each session.
  SessionPool(Client& client, std::string url, HandlerFactory factory, ConnectOptions connect = {},
              const PoolOptions& options = {});
  /// Cuts all its sessions; who waits is told.
  ~SessionPool();
  SessionPool(const SessionPool&) = delete;
  SessionPool& operator=(const SessionPool&) = delete;

  /// Lends the session that has been idle longest, inside this call; else the first that is released or opened, in the
  /// order of the calls. Errors: too many wait, the time is over, the pool ends, or a session could not be opened, with
  /// the status of a server that refused it. What `done` throws is logged.
  void acquire(Acquired done);
  /// Takes a session back. Nothing for one that is not lent, has ended, or is not the pool's.
  void release(SessionId id);
  [[nodiscard]] PoolStats stats() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

/// Bidirectional streams of one session that are lent and taken back, so that a request costs no new stream. One of
/// which either side has ended or reset its half, or the peer has stopped ours, is dropped. That a borrower called
/// stop() cannot be seen: it ends our half, too.
class PLAIT_API StreamPool {
 public:
  using Acquired = std::function<void(Result<Stream*, Error>)>;

  /// `session` outlives the pool, and its handler wants_streams. `factory` makes the handler of each stream.
  StreamPool(Session& session, std::function<std::unique_ptr<StreamHandler>()> factory,
             const PoolOptions& options = {});
  /// Resets its streams; who waits is told.
  ~StreamPool();
  StreamPool(const StreamPool&) = delete;
  StreamPool& operator=(const StreamPool&) = delete;

  /// As SessionPool's.
  void acquire(Acquired done);
  void release(Stream& stream);
  [[nodiscard]] PoolStats stats() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

enum class BalancePolicy : std::uint8_t {
  round_robin,
  weighted,       ///< as often as their weights say, evenly mixed
  least_latency,  ///< the one that opened sessions fastest lately; those that are not measured yet come first
};

struct BalanceTarget {
  std::string url;
  std::uint32_t weight = 1;
};

struct BalancerOptions {
  BalancePolicy policy = BalancePolicy::round_robin;
  /// Every target, healthy or not, is checked this often, by a session that is closed at once. Zero: never.
  Duration check_interval = std::chrono::seconds{30};
  Duration check_timeout = std::chrono::seconds{5};
};

struct TargetStats {
  std::string url;
  bool is_healthy = true;  ///< the last session to it opened
  Duration latency{};      ///< smoothed time of an opening; zero: none yet
  std::uint64_t opened_total = 0;
  std::uint64_t failed_total = 0;
  std::size_t open_count = 0;
};

/// Sessions to several servers that can stand for each other. A server whose last session did not open is asked last.
class PLAIT_API LoadBalancer {
 public:
  /// `client` outlives the balancer; at least one target. The checks begin with the first interval, as long as the
  /// client's loop turns.
  LoadBalancer(Client& client, std::vector<BalanceTarget> targets, ConnectOptions connect = {},
               const BalancerOptions& options = {});
  /// Its sessions live on.
  ~LoadBalancer();
  LoadBalancer(const LoadBalancer&) = delete;
  LoadBalancer& operator=(const LoadBalancer&) = delete;

  /// A session to one of the targets: where it does not open, the next is tried, each once. When all have failed, that
  /// is told to handler->on_close, without on_open, with the last one's reason and status. So is at once what is wrong
  /// with the options or the handler (Client::connect), which says nothing about a target. A null handler is a
  /// programmer's error: it ends the process.
  void connect(std::unique_ptr<SessionHandler> handler);
  /// Checks all targets now.
  void check();
  [[nodiscard]] std::vector<TargetStats> stats() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

enum class FleetPolicy : std::uint8_t {
  round_robin,   ///< one client after the other
  least_loaded,  ///< the one with the fewest sessions, those that are opening among them
};

struct FleetOptions {
  /// How many, each with a loop and a thread of its own. 0: one for each CPU that the calling thread may use.
  std::size_t clients = 0;
  FleetPolicy policy = FleetPolicy::round_robin;
  ClientOptions client{};
};

/// Of all clients together, since start().
struct FleetStats {
  std::size_t opening = 0;
  std::size_t open = 0;
  std::uint64_t opened_total = 0;
  std::uint64_t failed_total = 0;  ///< openings
  std::uint64_t messages_received = 0;
  std::uint64_t messages_sent = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_sent = 0;
  std::vector<std::size_t> sessions;  ///< of each client: opening and open
};

/// Clients on threads of their own, for more sessions than one core can drive. A session lives on the client that it
/// was given to: its handler is called on that client's thread and nowhere else, so two sessions' handlers may run at
/// the same time. What they share is the user's to guard.
class PLAIT_API ClientFleet {
 public:
  explicit ClientFleet(const FleetOptions& options = {});
  /// As stop().
  ~ClientFleet();
  ClientFleet(const ClientFleet&) = delete;
  ClientFleet& operator=(const ClientFleet&) = delete;

  /// Starts the clients. Errors: it was started before, or no thread or file descriptor is left; then none runs,
  /// nor ever will. On one thread with stop().
  Result<void, Error> start();
  /// Ends all sessions, each with its on_close, and returns when all threads are gone. Not from inside a handler.
  void stop();

  /// As Client::connect, on one of the clients; from any thread, from inside a handler, too. Errors: the fleet does not
  /// run, or the handler is null. All else that fails, a URL that cannot be used among it, is told to handler->on_close
  /// on the client's thread.
  Result<void, Error> connect(std::string_view url, std::unique_ptr<SessionHandler> handler,
                              const ConnectOptions& options = {});
  /// Runs `task` with the session on its client's thread; does nothing when it is gone. From any thread.
  void post(SessionId id, std::function<void(Session&)> task);
  /// From any thread. What is under way on other threads may be counted or not.
  [[nodiscard]] FleetStats stats() const;
  /// How many clients there are.
  [[nodiscard]] std::size_t size() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace plait
