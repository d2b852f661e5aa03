#include "bench/suite.hpp"

#include <array>

namespace plait::bench {

std::string_view placement_name(Placement placement) {
  constexpr std::array<std::string_view, 3> kNames = {"free", "one core", "two cores"};
  return kNames[static_cast<std::size_t>(placement)];
}

bool is_spinning(const Row& row) {
  return row.plan.spin || row.server_options.find("--busy-poll") != std::string::npos;
}

std::vector<Suite> all_suites() { return {tcp_echo_suite(), websocket_suite(), webtransport_suite()}; }

}  // namespace plait::bench
