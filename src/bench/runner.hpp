// The runner: every row in every placement against every server, in rounds that alternate A B C A B C.
#pragma once

#include "bench/sample.hpp"
#include "bench/server_spec.hpp"
#include "bench/suite.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace plait::bench {

struct RunOptions {
  std::string self;  ///< the executable that knows bench-generate
  std::vector<ServerSpec> servers;
  std::size_t rounds = 5;
  double seconds = 0.6;
  bool has_seconds = false;  ///< that was asked for: rows in which it changes nothing are named
  double warmup_seconds = 0.2;
  bool has_warmup = false;  ///< likewise
  double rate = 0;          ///< open loop for the echo rows: messages/s; 0: closed loop
  bool verify = false;
  std::size_t retakes_max = 3;                       ///< of a noisy sample
  bool quick = false;                                ///< a tenth of the connections and bytes where there are many
  std::optional<std::string> rows;                   ///< regular expression on row ids
  std::optional<std::vector<Placement>> placements;  ///< instead of the rows' own
  int server_cpu = 0;                                ///< of the placements one and two
  int client_cpu = 1;  ///< of two, which is left out, with a note, when it is the server's
};

/// One server in one case.
struct ServerResult {
  std::string server;
  std::vector<Sample> samples{};  ///< one a round, in order; fewer when `error` is set
  std::size_t repeated = 0;  ///< extra samples taken because something else used the CPUs, or nothing was confirmed
  std::size_t noisy = 0;     ///< rounds in which none was quiet: the quietest is kept
  std::string error{};
  std::string congestion_control{};  ///< of bulk rows
  std::string retake_error{};        ///< of the last extra sample that failed; its round has the one before
};

/// One row in one placement.
struct CaseResult {
  Row row;
  Placement placement = Placement::two;
  std::vector<ServerResult> servers;
};

/// What is being done, for a status line.
struct Progress {
  std::size_t case_index = 0;
  std::size_t case_count = 0;
  std::size_t round = 0;
  std::size_t rounds = 0;
  std::string row;
  Placement placement = Placement::two;
  std::string server;
  std::chrono::milliseconds since_begin{};  ///< of the sample
};

/// How long the load generator may take for `plan` before it is given up: 120 s more than the plan is long, for
/// connections that are many and transfers that are large.
[[nodiscard]] std::chrono::milliseconds generator_timeout(const Plan& plan);

struct RunObserver {
  /// At the beginning of each sample, and every two seconds while it takes longer.
  std::function<void(const Progress&)> on_progress;
  std::function<void(const CaseResult&)> on_case;
  /// Before the first sample: a sentence about what was asked for and is not done.
  std::function<void(const std::string&)> on_note;
};

/// The rows whose ids RunOptions::rows matches, without it all; there may be none. They last as long as `suite`. Fails
/// when it is no regular expression.
[[nodiscard]] Result<std::vector<const Row*>, Error> matching_rows(const Suite& suite,
                                                                   const std::optional<std::string>& rows);

/// Fails when --rows is no regular expression, or nothing of what it matches can be measured. A server that fails in a
/// case is reported in its ServerResult and the run goes on; one that does not speak the row's scheme has none.
[[nodiscard]] Result<std::vector<CaseResult>, Error> run_suite(const Suite& suite, const RunOptions& options,
                                                               const RunObserver& observer);

}  // namespace plait::bench
