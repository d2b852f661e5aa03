// The machine that a result was measured on, read from the system.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace plait::bench {

/// Name and value, in the order of the report: CPU, kernel, congestion control, clock source, compiler, …
using MachineFacts = std::vector<std::pair<std::string, std::string>>;

[[nodiscard]] MachineFacts describe_machine();
/// The first "model name" of /proc/cpuinfo; empty when there is none.
[[nodiscard]] std::string parse_cpu_model(std::string_view cpuinfo);

}  // namespace plait::bench
