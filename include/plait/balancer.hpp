// LoadBalancer: connecting to the best of several servers. On one client's thread; not to be destroyed inside one of
// its own callbacks.
#pragma once

#include <plait/client.hpp>
#include <plait/export.hpp>
#include <plait/session.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace plait {

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
  /// is told to handler->on_close, without on_open.
  void connect(std::unique_ptr<SessionHandler> handler);
  /// Checks all targets now.
  void check();
  [[nodiscard]] std::vector<TargetStats> stats() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace plait
