// The kinds of load, each a function that runs a Plan to its end and fills in a Meter.
#pragma once

#include "bench/components/generator/meter.hpp"
#include "bench/components/generator/plan.hpp"
#include "bench/components/generator/poller.hpp"

#include <plait/result.hpp>

#include <string>
#include <vector>

namespace plait::bench {

/// What every load needs: the poller, the connections, and one read buffer for all of them. 1 MB, because a pipelined
/// batch must leave the socket in one call: a 64 KB buffer cost two thirds of the rate at 16 KB messages.
struct LoadContext {
  explicit LoadContext(const Plan& the_plan)
      : plan(the_plan),
        tls(plan.url.is_tls() ? make_client_context() : nullptr),
        options{.url = plan.url, .tls = tls.get(), .deflate = plan.deflate},
        poller(plan.spin),
        buffer(1 << 20),
        meter(plan) {}

  const Plan& plan;
  SslContext tls;
  EndpointOptions options;
  Poller poller;
  std::vector<std::uint8_t> buffer;
  Meter meter;
  std::uint64_t stall_limit = kStallLimit;  ///< the echo load's: less than that only where a test cannot wait
  Value extra;                              ///< what this load reports beyond the meter
};

/// A warm-up moves this part of what is measured.
inline constexpr std::uint64_t kWarmupPart = 16;

[[nodiscard]] Result<void, Error> run_echo_load(LoadContext& context);
[[nodiscard]] Result<void, Error> run_connect_load(LoadContext& context);
[[nodiscard]] Result<void, Error> run_fanout_load(LoadContext& context);
[[nodiscard]] Result<void, Error> run_idle_load(LoadContext& context);
[[nodiscard]] Result<void, Error> run_stream_load(LoadContext& context);

// The same for https: URLs.
[[nodiscard]] Result<void, Error> run_wt_echo_load(LoadContext& context);
[[nodiscard]] Result<void, Error> run_wt_connect_load(LoadContext& context);
[[nodiscard]] Result<void, Error> run_wt_idle_load(LoadContext& context);
[[nodiscard]] Result<void, Error> run_wt_stream_load(LoadContext& context);
[[nodiscard]] Result<void, Error> run_wt_datagram_load(LoadContext& context);

}  // namespace plait::bench
