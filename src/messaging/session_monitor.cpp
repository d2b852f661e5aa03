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

class SessionMonitor::Clock final : public messaging::MonitorClock {
 public:
  Clock(SessionMonitor& monitor, Session& session, Duration interval)
      : MonitorClock(&session.executor(), interval), monitor_(monitor), session_(session) {}

 private:
  void on_ring(Duration time, Duration) override {
    messaging::guarded(session_, [&] { monitor_.sample(time); });
  }
  SessionMonitor& monitor_;
  Session& session_;
};

SessionMonitor::SessionMonitor(Session& session, MonitorOptions options)
    : Monitored(std::move(options)), session_(session) {
  const Duration interval = this->options().interval;
  clock_ = std::make_unique<Clock>(*this, session, interval == Duration{} ? std::chrono::seconds{15} : interval);
}
SessionMonitor::~SessionMonitor() = default;

void SessionMonitor::sample(Duration time) {
  const SessionSample now{time, session_.stats(), session_.rtt(), session_.buffered_bytes()};
  messaging::Verdict verdict = messaging::judge(now, samples().empty() ? nullptr : &samples().back());
  add(now, verdict.health, std::move(verdict.reason));
}

}  // namespace plait
