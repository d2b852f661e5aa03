// What one loop of a hub counts.
#pragma once

#include <plait/hub.hpp>

#include <array>

#include "core/counter.hpp"

namespace plait::hub {

/// Meanings: plait::HubStats.
struct Counters {
  core::Counter connections_open, subscriptions_open;
  core::Counter messages_received, messages_invalid, messages_ignored, messages_rate_limited;
  core::Counter publications, publications_refused;
  core::Counter deliveries, missed_by_sessions, missed_by_loops;
};

inline constexpr auto kMetrics = [] {
  using C = Counters;
  using S = HubStats;
  return std::to_array<core::Metric<S, C>>({
      {"connections_open", "Sessions of the hub.", &C::connections_open, &S::connections_open},
      {"subscriptions_open", "Subscriptions, patterns included.", &C::subscriptions_open, &S::subscriptions_open},
      {"messages_received", "Messages received.", &C::messages_received, &S::messages_received},
      {"messages_invalid", "Messages that break a rule of the protocol.", &C::messages_invalid, &S::messages_invalid},
      {"messages_ignored", "Messages of a type that nothing handles.", &C::messages_ignored, &S::messages_ignored},
      {"messages_rate_limited", "Messages above the rate limit.", &C::messages_rate_limited, &S::messages_rate_limited},
      {"publications", "Publications that got a position.", &C::publications, &S::publications},
      {"publications_refused", "Publications answered with an error.", &C::publications_refused,
       &S::publications_refused},
      {"deliveries", "Publications handed to sessions.", &C::deliveries, &S::deliveries},
      {"missed_by_sessions", "Publications that slow sessions missed.", &C::missed_by_sessions, &S::missed_by_sessions},
      {"missed_by_loops", "Publications that busy loops missed.", &C::missed_by_loops, &S::missed_by_loops},
  });
}();

}  // namespace plait::hub
