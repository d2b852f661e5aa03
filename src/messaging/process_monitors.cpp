// The monitors of a whole server or client.
#include <algorithm>
#include <chrono>
#include <utility>

#include "core/guard.hpp"
#include "messaging/monitor_clock.hpp"
#include "messaging/monitor_rules.hpp"

namespace plait {
namespace {

Duration interval_of(const MonitorOptions& options) {
  return options.interval == Duration{} ? std::chrono::seconds{30} : options.interval;
}

}  // namespace

// --- Server ---------------------------------------------------------------------------------------------------------

ServerMonitor::ServerMonitor(Server& server, MonitorOptions options) : Monitored(std::move(options)), server_(server) {
  clock_ = std::make_unique<messaging::MonitorClock>(
      server.executor(), interval_of(this->options()),
      [this](Duration time, Duration late) { core::guarded("an alert's handler", [&] { sample(time, late); }); });
}
ServerMonitor::~ServerMonitor() = default;

void ServerMonitor::sample(Duration time, Duration late) {
  const ServerSample now{time, server_.stats(), late};
  messaging::Verdict verdict = messaging::judge(now, samples().empty() ? nullptr : &samples().front());
  add(now, verdict.health, std::move(verdict.reason));
}

// --- Client ---------------------------------------------------------------------------------------------------------

ClientMonitor::ClientMonitor(Client& client, MonitorOptions options) : Monitored(std::move(options)) {
  clock_ = std::make_unique<messaging::MonitorClock>(
      &client.executor(), interval_of(this->options()),
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
