// The monitors of a whole server or client.
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

class ServerMonitor::Clock final : public messaging::MonitorClock {
 public:
  Clock(ServerMonitor& monitor, core::Executor* executor, Duration interval)
      : MonitorClock(executor, interval), monitor_(monitor) {}

 private:
  void on_ring(Duration time, Duration late) override {
    core::guarded("an alert's handler", [&] { monitor_.sample(time, late); });
  }
  ServerMonitor& monitor_;
};

ServerMonitor::ServerMonitor(Server& server, MonitorOptions options) : Monitored(std::move(options)), server_(server) {
  clock_ = std::make_unique<Clock>(*this, server.executor(), interval_of(this->options()));
}
ServerMonitor::~ServerMonitor() = default;

void ServerMonitor::sample(Duration time, Duration late) {
  const ServerSample now{time, server_.stats(), late};
  messaging::Verdict verdict = messaging::judge(now, samples().empty() ? nullptr : &samples().front());
  add(now, verdict.health, std::move(verdict.reason));
}

// --- Client ---------------------------------------------------------------------------------------------------------

class ClientMonitor::Clock final : public messaging::MonitorClock {
 public:
  Clock(ClientMonitor& monitor, core::Executor* executor, Duration interval)
      : MonitorClock(executor, interval), monitor_(monitor) {}

 private:
  void on_ring(Duration time, Duration) override {
    core::guarded("an alert's handler", [&] { monitor_.sample(time); });
  }
  ClientMonitor& monitor_;
};

ClientMonitor::ClientMonitor(Client& client, MonitorOptions options) : Monitored(std::move(options)) {
  clock_ = std::make_unique<Clock>(*this, &client.executor(), interval_of(this->options()));
}
ClientMonitor::~ClientMonitor() = default;

void ClientMonitor::sample(Duration time) {
  const ClientSample now{time, stats_};
  messaging::Verdict verdict = messaging::judge(now);
  add(now, verdict.health, std::move(verdict.reason));
}

ClientMonitor::Attempt::Attempt(ClientMonitor& monitor) : monitor_(monitor), begin_(monitor.clock_->now()) {
  ++monitor_.stats_.attempts;
}

ClientMonitor::Attempt::~Attempt() { monitor_.stats_.failed += opened_ ? 0 : 1; }

void ClientMonitor::Attempt::opened() {
  if (std::exchange(opened_, true)) return;
  ConnectStats& stats = monitor_.stats_;
  const Duration time = monitor_.clock_->now() - begin_;
  stats.connect_time_min = stats.opened == 0 ? time : std::min(stats.connect_time_min, time);
  stats.connect_time_max = std::max(stats.connect_time_max, time);
  stats.connect_time_total += time;
  ++stats.opened;
}

}  // namespace plait
