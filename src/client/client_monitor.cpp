#include <plait/monitor.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

#include "core/guard.hpp"
#include "messaging/monitor_clock.hpp"
#include "messaging/monitor_rules.hpp"

namespace plait {

ClientMonitor::ClientMonitor(Client& client, MonitorOptions options) : Monitored(std::move(options)) {
  clock_ = std::make_unique<messaging::MonitorClock>(
      &client.executor(), messaging::interval_or(this->options(), std::chrono::seconds{30}),
      [this](Duration time, Duration) { core::guarded("an alert's handler", [&] { sample(time); }); });
}
ClientMonitor::~ClientMonitor() = default;

void ClientMonitor::sample(Duration time) {
  const ClientSample now{time, *stats_};
  messaging::Verdict verdict = messaging::judge(now);
  add(now, verdict.health, std::move(verdict.reason));
}

ClientMonitor::Attempt::Attempt(ClientMonitor& monitor)
    : stats_(monitor.stats_), begin_(std::chrono::steady_clock::now()) {
  ++stats_->attempts;
}

ClientMonitor::Attempt::~Attempt() { stats_->failed += opened_ ? 0 : 1; }

void ClientMonitor::Attempt::opened() {
  if (std::exchange(opened_, true)) return;
  const Duration time = std::chrono::steady_clock::now() - begin_;
  stats_->connect_time_min = stats_->opened == 0 ? time : std::min(stats_->connect_time_min, time);
  stats_->connect_time_max = std::max(stats_->connect_time_max, time);
  stats_->connect_time_total += time;
  ++stats_->opened;
}

}  // namespace plait
