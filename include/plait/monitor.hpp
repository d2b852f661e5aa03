// Monitors: what a server, a client or a session counts, sampled at an interval and judged.
//
// A monitor belongs to a loop: the session's or client's, or that of the thread that calls Server::run(). Everything
// but health() is for that loop, or for before and after it turns. What is monitored outlives its monitor.
#pragma once

#include <plait/client.hpp>
#include <plait/config.hpp>
#include <plait/limits.hpp>
#include <plait/server.hpp>
#include <plait/session.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace plait {

namespace messaging {
class MonitorClock;
}  // namespace messaging

enum class Health : std::uint8_t {
  unknown,    ///< before the first sample
  healthy,    //
  idle,       ///< nothing to do
  degraded,   ///< it works, and badly
  unhealthy,  ///< it does not work
};
PLAIT_API std::string_view describe(Health health);
/// Whether two reasons differ in their numbers only.
PLAIT_API bool is_same_reason(std::string_view one, std::string_view other);

/// A judgement, and since when it stands.
struct Alert {
  Duration time{};  ///< since the monitor began
  Health health = Health::degraded;
  std::string reason;
};

struct MonitorOptions {
  /// Between two samples. Zero: 30 s, of a session 15 s.
  Duration interval{0};
  /// The newest samples and alerts are kept.
  std::size_t samples_max = 120;
  std::size_t alerts_max = 100;
  /// Called once for each alert: when it becomes degraded or unhealthy, or is so for another reason; that the numbers
  /// of a reason change is none. What it throws is logged; a session's ends that session.
  std::function<void(const Alert& alert)> on_alert{};
};

/// What all monitors keep.
template <class Sample>
class Monitored {
 public:
  /// Oldest first.
  [[nodiscard]] const std::deque<Sample>& samples() const { return samples_; }
  [[nodiscard]] const std::deque<Alert>& alerts() const { return alerts_; }
  /// From any thread.
  [[nodiscard]] Health health() const { return health_.load(std::memory_order_relaxed); }
  /// Why it is degraded or unhealthy; else empty.
  [[nodiscard]] const std::string& reason() const { return reason_; }

 protected:
  explicit Monitored(MonitorOptions options) : options_(std::move(options)) {}
  [[nodiscard]] const MonitorOptions& options() const { return options_; }

  void add(Sample sample, Health health, std::string reason) {
    const bool told = is_same_reason(reason, reason_);
    const Duration time = sample.time;
    samples_.push_back(std::move(sample));
    if (samples_.size() > options_.samples_max) samples_.pop_front();
    health_.store(health, std::memory_order_relaxed);
    reason_ = std::move(reason);
    if (told || reason_.empty()) return;
    const Alert alert{time, health, reason_};
    alerts_.push_back(alert);
    if (alerts_.size() > options_.alerts_max) alerts_.pop_front();
    if (options_.on_alert) options_.on_alert(alert);
  }

 private:
  MonitorOptions options_;
  std::deque<Sample> samples_;
  std::deque<Alert> alerts_;
  std::atomic<Health> health_{Health::unknown};
  std::string reason_;
};

struct ServerSample {
  Duration time{};  ///< since the monitor began
  ServerStats stats;
  Duration late{};  ///< how much later than planned: the loop was busy with something else
};

/// Degraded: of more than 10 connections since the oldest sample, less than 90 % were accepted. Unhealthy: the loop was
/// held up for more than a second. Idle: no connection is open.
class PLAIT_API ServerMonitor final : public Monitored<ServerSample> {
 public:
  /// Before run(). Samples while the server runs.
  explicit ServerMonitor(Server& server, MonitorOptions options = {});
  ~ServerMonitor();

 private:
  void sample(Duration time, Duration late);
  Server& server_;
  std::unique_ptr<messaging::MonitorClock> clock_;
};

struct SessionSample {
  Duration time{};  ///< since the monitor began
  SessionStats stats;
  std::optional<Duration> rtt{};
  std::size_t buffered_bytes = 0;
};

/// Degraded, compared with the sample before: messages were dropped; or of at least 100 QUIC packets more than a tenth
/// were lost. Or now: the round trip takes more than a second; more than a mebibyte waits for the peer. Idle: nothing
/// was sent or received since the sample before.
class PLAIT_API SessionMonitor final : public Monitored<SessionSample> {
 public:
  explicit SessionMonitor(Session& session, MonitorOptions options = {});
  ~SessionMonitor();

 private:
  void sample(Duration time);
  Session& session_;
  std::unique_ptr<messaging::MonitorClock> clock_;
};

/// Since the monitor began.
struct ConnectStats {
  std::uint64_t attempts = 0;
  std::uint64_t opened = 0;
  std::uint64_t failed = 0;
  /// From the attempt to on_open, of those that opened.
  Duration connect_time_min{};
  Duration connect_time_max{};
  Duration connect_time_total{};
};
struct ClientSample {
  Duration time{};  ///< since the monitor began
  ConnectStats stats;
};

/// Degraded: of more than 10 attempts that have ended less than 90 % opened a session; or that took more than 5 s on
/// average. Idle: nothing was attempted.
class PLAIT_API ClientMonitor final : public Monitored<ClientSample> {
 public:
  /// A member of each session's handler, made before connect(). May outlive the monitor, as the sessions do that the
  /// client's end closes.
  class PLAIT_API Attempt {
   public:
    explicit Attempt(ClientMonitor& monitor);
    Attempt(const Attempt&) = delete;
    Attempt& operator=(const Attempt&) = delete;
    /// Without opened() it has failed.
    ~Attempt();
    /// In on_open.
    void opened();

   private:
    const std::shared_ptr<ConnectStats> stats_;
    const std::chrono::steady_clock::time_point begin_;
    bool opened_ = false;
  };

  explicit ClientMonitor(Client& client, MonitorOptions options = {});
  ~ClientMonitor();
  [[nodiscard]] const ConnectStats& stats() const { return *stats_; }

 private:
  void sample(Duration time);
  const std::shared_ptr<ConnectStats> stats_ = std::make_shared<ConnectStats>();  // the attempts', too
  std::unique_ptr<messaging::MonitorClock> clock_;
};

}  // namespace plait
