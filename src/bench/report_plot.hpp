// Plots of how many times better a report's baseline is than each server beside it, one bar a case.
#pragma once

#include "bench/report.hpp"

namespace plait::bench {

/// Those beside the baseline with at least one ratio to it, in the report's order.
[[nodiscard]] std::vector<std::string> compared_servers(const Report& report);
/// One server's bars, as an element of a page whose style says what its text looks like.
[[nodiscard]] std::string plot_svg(const Report& report, const std::string& server);

}  // namespace plait::bench
