// What makes a sample good or bad, without the loop that takes it.
#pragma once

#include <plait/monitor.hpp>

#include <string>

namespace plait::messaging {

struct Verdict {
  Health health = Health::healthy;
  std::string reason{};
};

/// What the user chose, or `usual`.
[[nodiscard]] inline Duration interval_or(const MonitorOptions& options, Duration usual) {
  return options.interval == Duration{} ? usual : options.interval;
}

/// `oldest` is the oldest sample that is kept, or null.
[[nodiscard]] Verdict judge(const ServerSample& now, const ServerSample* oldest);
/// `before` is the sample before, or null.
[[nodiscard]] Verdict judge(const SessionSample& now, const SessionSample* before);
[[nodiscard]] Verdict judge(const ClientSample& now);

}  // namespace plait::messaging
