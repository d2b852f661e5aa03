// Suites are data: each row is a Plan, the placements it is run in, and what was published about it.
#pragma once

#include "bench/components/generator/plan.hpp"
#include "bench/metric.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace plait::bench {

/// Where the kernel may run the two processes. Round trips differ fourfold between these, so depth-1 rows name theirs.
enum class Placement : std::uint8_t {
  free,  ///< wherever the scheduler likes
  one,   ///< both on the server's CPU: the quietest setting, paired ratios within a few percent
  two,   ///< a CPU each
};

inline const std::vector<Placement> kEverywhere = {Placement::free, Placement::one, Placement::two};
inline const std::vector<Placement> kPinned = {Placement::two, Placement::one};

[[nodiscard]] std::string_view placement_name(Placement placement);

/// A number that somebody published for this row, or that only we state.
struct Claim {
  Metric metric = Metric::messages_per_second;
  std::string document;  ///< the source; empty for a row of Plait's own
  std::optional<double> value;
  std::string counted;  ///< what the published value counted, in its own terms
};

struct Row {
  std::string id{};  ///< what --rows matches, such as echo/93B/d64/c100
  std::string title{};
  std::string scheme{};  ///< tcp, ws, wss or https
  std::string path{};
  Plan plan{};
  std::vector<Placement> placements{};
  std::vector<Claim> claims{};   ///< the first one is the row's headline
  std::string server_options{};  ///< added to the command of plait's own server
  double seconds = 0;            ///< length of a sample, whatever --seconds says; 0: as it says. Not with --quick
  bool rsa = false;              ///< plait's own server has an RSA-2048 certificate, made for the row
  /// Where a published value did not count what the receiver confirmed, its row exists twice: `twin`/literal with the
  /// published steps, `twin`/confirmed with what was confirmed. The report shows them as one line. Empty: no such pair.
  std::string twin{};
};

/// One of its processes polls without waiting, so how busy a core is says nothing.
[[nodiscard]] bool is_spinning(const Row& row);

struct Suite {
  std::string name;
  std::string title;
  std::vector<Row> rows;
};

[[nodiscard]] Suite tcp_echo_suite();
[[nodiscard]] Suite websocket_suite();
[[nodiscard]] Suite webtransport_suite();
/// Every suite, in the order of --list.
[[nodiscard]] std::vector<Suite> all_suites();

}  // namespace plait::bench
