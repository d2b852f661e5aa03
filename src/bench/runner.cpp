#include "bench/runner.hpp"

#include "bench/components/process.hpp"
#include "bench/components/running_server.hpp"

#include <fmt/core.h>
#include <regex.h>

#include <algorithm>
#include <array>

namespace plait::bench {

namespace {

constexpr double kNoiseCoresMax = 0.12;
constexpr double kIdleClockSeconds = 0.02;  // two steps of machine_idle_seconds(), which may lie in any sample
constexpr std::size_t kEmptySamplesMax = 3;
constexpr std::size_t kRoundsPerServer = 5;  // where in memory a process lies makes it a percent faster or slower
constexpr std::chrono::seconds kGeneratorExtra{120};
constexpr std::chrono::seconds kWaitShown{2};

struct Pinning {
  std::optional<int> server;
  std::optional<int> client;
};

Pinning pinning_of(Placement placement, const RunOptions& options) {
  if (placement == Placement::free) return {};
  return {options.server_cpu, placement == Placement::one ? options.server_cpu : options.client_cpu};
}

bool is_opening(const Plan& plan) { return plan.mode == LoadMode::connect || plan.mode == LoadMode::handshake; }

/// Of these rows, --rate makes the loop an open one. Those of WebTransport have none, and say so.
bool is_paced(const Row& row) { return row.plan.mode == LoadMode::echo && row.plan.count == 0; }

Plan plan_for(const Row& row, const RunOptions& options) {
  Plan plan = row.plan;
  plan.seconds = row.seconds > 0 && !options.quick ? row.seconds : options.seconds;
  plan.warmup_seconds = options.warmup_seconds;
  plan.verify = plan.verify || options.verify;
  if (is_paced(row)) plan.rate = options.rate;
  if (options.quick) {
    plan.connections = plan.connections >= 1000 ? plan.connections / 10 : plan.connections;
    plan.total_bytes /= 16;
    if (is_opening(plan)) plan.count = (plan.count + 19) / 20;
    if (plan.mode == LoadMode::stream && plan.count >= 10'000) plan.count /= 10;
  }
  return plan;
}

/// Connections and memory of one round must not be in the next one's.
bool wants_fresh_server(const Row& row) { return row.plan.mode == LoadMode::idle; }

bool is_quiet(const Sample& sample) {
  return sample.other_cpu_seconds <= std::max(kNoiseCoresMax * sample.seconds, kIdleClockSeconds);
}

/// One row in one placement: its servers, started once for several rounds and frozen while another one is measured.
class CaseRun {
 public:
  CaseRun(const Row& row, Placement placement, const RunOptions& options)
      : options_(options), pinning_(pinning_of(placement, options)), plan_(plan_for(row, options)) {
    result_.row = row;
    result_.row.plan = plan_;
    result_.placement = placement;
    for (const std::string& name : server_names(options.servers)) {
      if (const ServerSpec* spec = find_spec(options.servers, name, row)) specs_.push_back(spec);
    }
    for (const ServerSpec* spec : specs_) {
      result_.servers.push_back({.server = spec->name});
      if (row.plan.mode == LoadMode::bulk) result_.servers.back().congestion_control = spec->congestion_control;
    }
    running_.resize(specs_.size());
  }

  using OnStep =
      std::function<void(std::size_t round, const std::string& server, std::chrono::milliseconds since_begin)>;

  CaseResult run(const OnStep& on_step) {
    for (std::size_t round = 0; round < options_.rounds; ++round) {
      for (std::size_t i = 0; i < specs_.size(); ++i) {
        if (!result_.servers[i].error.empty()) continue;
        if (round % kRoundsPerServer == 0) running_[i].reset();
        on_wait_ = [&](std::chrono::milliseconds since_begin) { on_step(round, specs_[i]->name, since_begin); };
        on_wait_({});
        measure(i);
      }
    }
    return std::move(result_);
  }

 private:
  /// One sample for this round: the first quiet one, or the quietest of 1 + retakes_max.
  void measure(std::size_t index) {
    ServerResult& result = result_.servers[index];
    std::optional<Sample> best;
    for (std::size_t attempt = 0; attempt <= options_.retakes_max; ++attempt) {
      auto sample = take_filled_sample(index);
      if (!sample) {
        running_[index].reset();
        (best ? result.retake_error : result.error) = sample.error().message;
        if (best) break;  // a retake that fails takes nothing back
        return;
      }
      result.repeated += attempt > 0 ? 1 : 0;
      if (!best || sample->noise_cores() < best->noise_cores()) best = std::move(*sample);
      if (is_quiet(*best)) break;
    }
    result.noisy += is_quiet(*best) ? 0 : 1;
    result.samples.push_back(std::move(*best));
  }

  /// In a short window nothing may be confirmed because the machine was others' meanwhile; several times it is a
  /// finding. What was late or lost is no such nothing: a server that stalls for all of an open loop's window did that.
  Result<Sample, Error> take_filled_sample(std::size_t index) {
    for (std::size_t attempt = 0; attempt < kEmptySamplesMax; ++attempt) {
      result_.servers[index].repeated += attempt > 0 ? 1 : 0;
      auto sample = take_sample(index);
      if (!sample || !sample->is_empty()) return sample;
    }
    return err(Error{"nothing was confirmed within the window"});
  }

  Result<Sample, Error> take_sample(std::size_t index) {
    auto& server = running_[index];
    if (!server || wants_fresh_server(result_.row)) {
      server.reset();
      auto started = RunningServer::start(*specs_[index], result_.row, pinning_.server);
      if (!started) return err(started.error());
      server.emplace(std::move(*started));
    }
    server->process().thaw();
    auto sample = generate(*specs_[index], *server);
    server->process().freeze();
    return sample;
  }

  Result<Sample, Error> generate(const ServerSpec& spec, RunningServer& server) {
    Plan plan = plan_;
    plan.url = server.url();
    plan.server_pid = static_cast<std::uint64_t>(server.process().id());
    auto generator = Process::start(generator_command(spec, plan), pinning_.client);
    if (!generator) return err(generator.error());
    const auto timeout = generator_timeout(plan);
    if (!await(*generator, timeout)) {
      const auto seconds = std::chrono::ceil<std::chrono::seconds>(timeout);
      return err(Error{fmt::format("the generator did not end within {} s", seconds.count())});
    }
    if (server.process().has_ended(std::chrono::milliseconds{0})) {
      return err(Error{fmt::format("the server ended with status {}: {}", server.process().exit_status(),
                                   server.process().errors())});
    }
    auto sample = parse_sample(generator->output());
    if (!sample && generator->output().empty()) return err(Error{"the generator: " + generator->errors()});
    return sample;
  }

  // Rows of memory take half a minute: who watches sees that time goes on.
  [[nodiscard]] bool await(Process& generator, std::chrono::milliseconds timeout) const {
    std::chrono::milliseconds waited{};
    for (; waited < timeout; waited += kWaitShown) {
      if (generator.has_ended(kWaitShown)) return true;
      on_wait_(waited + kWaitShown);
    }
    return false;
  }

  [[nodiscard]] std::vector<std::string> generator_command(const ServerSpec& spec, const Plan& plan) const {
    std::vector<std::string> arguments = to_arguments(plan);
    if (spec.generator.empty()) {
      arguments.insert(arguments.begin(), {options_.self, "bench-generate"});
    } else {
      arguments.insert(arguments.begin(), {"sh", "-c", "exec " + spec.generator + " \"$@\"", "generator"});
    }
    return arguments;
  }

  const RunOptions& options_;
  Pinning pinning_;
  Plan plan_;
  std::vector<const ServerSpec*> specs_;
  std::vector<std::optional<RunningServer>> running_;
  CaseResult result_;
  std::function<void(std::chrono::milliseconds since_begin)> on_wait_;  // of the sample under way
};

/// --rows: a POSIX extended regular expression, found anywhere in the id; an empty one matches every row.
class RowPattern {
 public:
  explicit RowPattern(const std::string& text)
      : empty_(text.empty()), valid_(empty_ || regcomp(&compiled_, text.c_str(), REG_EXTENDED | REG_NOSUB) == 0) {}
  RowPattern(const RowPattern&) = delete;
  RowPattern& operator=(const RowPattern&) = delete;
  ~RowPattern() {
    if (valid_ && !empty_) regfree(&compiled_);
  }
  [[nodiscard]] bool is_valid() const { return valid_; }
  [[nodiscard]] bool matches(const std::string& id) const {
    return empty_ || regexec(&compiled_, id.c_str(), 0, nullptr, 0) == 0;
  }

 private:
  regex_t compiled_{};
  bool empty_;
  bool valid_;
};

struct Case {
  const Row* row;
  Placement placement;
};

struct Selection {
  std::vector<Case> cases;
  std::vector<std::string> notes;
};

/// An option that changes nothing in some rows. They are named, lest it be thought that it did.
struct Option {
  bool given;
  std::string_view sentence;
  bool (*changes)(const Row&, const RunOptions&);
};

std::string listed(const std::vector<std::string_view>& names) {
  std::string text;
  for (const std::string_view name : names) text += fmt::format("{}{}", text.empty() ? "" : ", ", name);
  return text;
}

/// What the generator compares with --verify; elsewhere it compares what it always does.
bool is_verified(const Row& row, const RunOptions& /*options*/) {
  return row.scheme != "https" && (row.plan.mode == LoadMode::echo || row.plan.mode == LoadMode::fanout);
}

/// The others end when so many messages, bytes or connections are through, or say their time themselves.
bool is_timed(const Row& row, const RunOptions& options) {
  if (row.seconds > 0 && !options.quick) return false;
  switch (row.plan.mode) {
    case LoadMode::echo:
      return row.plan.count == 0;
    case LoadMode::stream:
      return row.plan.total_bytes == 0;
    case LoadMode::idle:
    case LoadMode::bulk:
      return false;
    default:
      return true;
  }
}

/// The others begin to count with their first message, byte or connection, or say their warm-up themselves.
bool is_warmed_up(const Row& row, const RunOptions& /*options*/) {
  switch (row.plan.mode) {
    case LoadMode::echo:
      return row.plan.count == 0 || row.scheme == "https";
    case LoadMode::stream:
      return row.scheme == "https";
    case LoadMode::idle:
    case LoadMode::bulk:
      return false;
    default:
      return true;
  }
}

/// The cases of the rows that match, and what is not done of what was asked for.
class Selector {
 public:
  explicit Selector(const RunOptions& options)
      : options_(options),
        ignored_{
            {{options.verify, "--verify compares nothing more in", is_verified},
             {options.rate > 0, "--rate changes nothing in", [](const Row& row, const auto&) { return is_paced(row); }},
             {options.has_seconds, "--seconds changes nothing in", is_timed},
             {options.has_warmup, "--warmup changes nothing in", is_warmed_up}}} {}

  void add(const Row& row) {
    const std::size_t before = cases_.size();
    bool lacks_cpu = false;
    for (const Placement placement : options_.placements.value_or(row.placements)) {
      if (placement == Placement::two && options_.server_cpu == options_.client_cpu) {
        lacks_cpu = true;
      } else if (placement == Placement::one && is_spinning(row)) {
        spinning_.push_back(row.id);
      } else {
        cases_.push_back({&row, placement});
      }
    }
    lacks_cpu_ = lacks_cpu_ || lacks_cpu;
    if (lacks_cpu && cases_.size() == before) left_out_.push_back(row.id);
    for (std::size_t i = 0; i < kOptions; ++i) {
      if (ignored_[i].given && !ignored_[i].changes(row, options_)) unchanged_[i].push_back(row.id);
    }
  }

  [[nodiscard]] Selection take() && {
    std::vector<std::string> notes;
    if (lacks_cpu_) {
      notes.push_back(fmt::format("left out: the placement on two cores, for which there is only CPU {}{}{}",
                                  options_.server_cpu, left_out_.empty() ? "" : ", and so all of ", listed(left_out_)));
    }
    if (!spinning_.empty()) {
      notes.push_back(
          fmt::format("left out: on one core {}, where a process that spins takes its peer's time", listed(spinning_)));
    }
    for (std::size_t i = 0; i < kOptions && !cases_.empty(); ++i) {
      if (unchanged_[i].empty()) continue;
      notes.push_back(fmt::format("{} {}", ignored_[i].sentence, listed(unchanged_[i])));
    }
    return {std::move(cases_), std::move(notes)};
  }

 private:
  static constexpr std::size_t kOptions = 4;

  const RunOptions& options_;
  std::array<Option, kOptions> ignored_;
  std::array<std::vector<std::string_view>, kOptions> unchanged_;  // the rows
  std::vector<Case> cases_;
  std::vector<std::string_view> left_out_;
  std::vector<std::string_view> spinning_;
  bool lacks_cpu_ = false;
};

Result<Selection, Error> select_cases(const Suite& suite, const RunOptions& options) {
  const auto rows = matching_rows(suite, options.rows);
  if (!rows) return err(rows.error());
  Selector selector(options);
  for (const Row* row : *rows) selector.add(*row);
  Selection selection = std::move(selector).take();
  if (!selection.cases.empty()) return selection;
  if (selection.notes.empty()) {
    return err(Error{fmt::format("no row of '{0}' matches --rows '{1}'; 'plait bench {0} --list' shows them all",
                                 suite.name, options.rows.value_or(""))});
  }
  return err(Error{selection.notes.front()});
}

}  // namespace

Result<std::vector<const Row*>, Error> matching_rows(const Suite& suite, const std::optional<std::string>& rows) {
  const RowPattern pattern(rows.value_or(""));
  if (!pattern.is_valid()) return err(Error{fmt::format("--rows '{}' is no extended regular expression", *rows)});
  std::vector<const Row*> matching;
  for (const Row& row : suite.rows) {
    if (pattern.matches(row.id)) matching.push_back(&row);
  }
  return matching;
}

std::chrono::milliseconds generator_timeout(const Plan& plan) {
  const std::chrono::duration<double> length{plan.warmup_seconds + plan.seconds};
  return kGeneratorExtra + std::chrono::ceil<std::chrono::milliseconds>(length);
}

Result<std::vector<CaseResult>, Error> run_suite(const Suite& suite, const RunOptions& options,
                                                 const RunObserver& observer) {
  const auto selection = select_cases(suite, options);
  if (!selection) return err(selection.error());
  for (const std::string& note : selection->notes) observer.on_note(note);
  const std::vector<Case>& cases = selection->cases;
  std::vector<CaseResult> results;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const Row& row = *cases[i].row;
    const Placement placement = cases[i].placement;
    CaseRun run(row, placement, options);
    const auto on_step = [&](std::size_t round, const std::string& server, std::chrono::milliseconds since_begin) {
      observer.on_progress({i, cases.size(), round, options.rounds, row.id, placement, server, since_begin});
    };
    results.push_back(run.run(on_step));
    observer.on_case(results.back());
  }
  return results;
}

}  // namespace plait::bench
