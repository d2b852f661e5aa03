#include <plait/monitor.hpp>

#include <chrono>
#include <utility>

#include "core/guard.hpp"
#include "messaging/monitor_clock.hpp"
#include "messaging/monitor_rules.hpp"

namespace plait {

ServerMonitor::ServerMonitor(Server& server, MonitorOptions options) : Monitored(std::move(options)), server_(server) {
  clock_ = std::make_unique<messaging::MonitorClock>(
      server.executor(), messaging::interval_or(this->options(), std::chrono::seconds{30}),
      [this](Duration time, Duration late) { core::guarded("an alert's handler", [&] { sample(time, late); }); });
}
ServerMonitor::~ServerMonitor() = default;

void ServerMonitor::sample(Duration time, Duration late) {
  const ServerSample now{time, server_.stats(), late};
  messaging::Verdict verdict = messaging::judge(now, samples().empty() ? nullptr : &samples().front());
  add(now, verdict.health, std::move(verdict.reason));
}

}  // namespace plait
