#include "messaging/guard.hpp"
#include "messaging/monitor_clock.hpp"
#include "messaging/monitor_rules.hpp"

namespace plait {

std::string_view describe(Health health) {
  switch (health) {
    case Health::unknown:
      return "unknown";
    case Health::healthy:
      return "healthy";
    case Health::idle:
      return "idle";
    case Health::degraded:
      return "degraded";
    case Health::unhealthy:
      return "unhealthy";
  }
  return "unknown";
}

SessionMonitor::SessionMonitor(Session& session, MonitorOptions options)
    : Monitored(std::move(options)), session_(session) {
  clock_ = std::make_unique<messaging::MonitorClock>(
      &session.executor(), messaging::interval_or(this->options(), std::chrono::seconds{15}),
      [this](Duration time, Duration) { messaging::guarded(session_, [&] { sample(time); }); });
}
SessionMonitor::~SessionMonitor() = default;

void SessionMonitor::sample(Duration time) {
  const SessionSample now{time, session_.stats(), session_.rtt(), session_.buffered_bytes()};
  messaging::Verdict verdict = messaging::judge(now, samples().empty() ? nullptr : &samples().back());
  add(now, verdict.health, std::move(verdict.reason));
}

}  // namespace plait
