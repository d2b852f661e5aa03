#include "bench/components/echo/bench.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <barrier>
#include <cmath>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "bench/components/echo/worker.hpp"
#include "net/affinity.hpp"
#include "net/thread.hpp"

namespace plait::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kSamplesMax = std::uint64_t{4} << 20;  // kept singly, over all threads: 32 MiB
constexpr std::uint64_t kUnlimited = std::uint64_t{1} << 62;   // the deadline ends it; sums cannot wrap
constexpr std::chrono::milliseconds kProgressInterval{250};

/// Counts threads down; the last one wakes the waiter.
class Finish {
 public:
  explicit Finish(unsigned count) : running_(count) {}
  void arrive() {
    const std::lock_guard lock{mutex_};
    if (--running_ == 0) all_done_.notify_one();
  }
  /// True when all have arrived.
  bool wait_for(Duration time) {
    std::unique_lock lock{mutex_};
    return all_done_.wait_for(lock, time, [this] { return running_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable all_done_;
  unsigned running_;
};

/// One thread: its worker, and what it found.
struct Lane {
  Lane(EchoRun& run, unsigned lane_number, std::size_t samples_max)
      : number(lane_number),
        worker(run.options.on_loops() ? make_loop_echo_worker(run) : make_blocking_echo_worker(run)),
        recorder(samples_max) {}

  unsigned number;
  std::unique_ptr<EchoWorker> worker;
  EchoRecorder recorder;
  CpuUsage cpu;
  EchoTime begin;
  EchoTime end;
  Result<void, Error> result;
};

/// Connections of lane `number`: as even as possible, the first ones get one more.
unsigned connections_of(const EchoBenchOptions& options, unsigned number) {
  return options.connections / options.threads + (number < options.connections % options.threads ? 1 : 0);
}

/// Connections of the lanes before lane `number`.
unsigned connections_before(const EchoBenchOptions& options, unsigned number) {
  return options.connections / options.threads * number + std::min(number, options.connections % options.threads);
}

/// Messages of an open loop in the time given, over all lanes, before they are whole.
double messages_in_time(const EchoBenchOptions& options) {
  return options.rate * std::chrono::duration<double>(options.duration).count();
}

/// An open loop's messages of the lanes before lane `number`: of few, the first lanes have the most.
std::uint64_t turns_before(const EchoBenchOptions& options, unsigned number) {
  const unsigned before = connections_before(options, number);
  if (options.duration == Duration::zero()) return options.repeat * before;
  const double part = static_cast<double>(before) / options.connections;
  return static_cast<std::uint64_t>(std::ceil(std::round(messages_in_time(options)) * part));
}

EchoPhase open_loop_phase(const EchoBenchOptions& options, unsigned number) {
  EchoPhase phase;
  phase.rate = options.rate * connections_of(options, number) / options.connections;
  phase.offset = Duration{std::llround(1e9 / options.rate * number)};  // the lanes take turns, too
  phase.turns = turns_before(options, number + 1) - turns_before(options, number);
  return phase;
}

EchoPhase closed_loop_phase(const EchoBenchOptions& options, EchoTime begin) {
  EchoPhase phase;
  phase.messages_max = options.repeat;
  if (options.duration > Duration::zero()) {
    phase.messages_max = kUnlimited / options.connections;
    phase.deadline = begin + options.duration;
  }
  return phase;
}

Result<void, Error> prepare(EchoRun& run, Lane& lane) {
  const auto& cpus = run.options.cpus;
  if (!cpus.empty()) {
    if (auto pinned = net::pin_this_thread(cpus[lane.number % cpus.size()]); !pinned) return pinned;
  }
  if (auto connected = lane.worker->connect(connections_of(run.options, lane.number)); !connected) return connected;
  if (run.options.warmup == 0) return {};
  EchoRecorder unused{0};
  EchoPhase phase;
  phase.messages_max = run.options.warmup;
  return lane.worker->perform(phase, unused);
}

void measure(EchoRun& run, Lane& lane) {
  const CpuUsage before = CpuUsage::of_this_thread();
  lane.begin = Clock::now();
  const EchoPhase phase =
      run.options.rate > 0 ? open_loop_phase(run.options, lane.number) : closed_loop_phase(run.options, lane.begin);
  lane.result = lane.worker->perform(phase, lane.recorder);
  lane.end = Clock::now();
  lane.cpu = CpuUsage::of_this_thread();
  lane.cpu -= before;
}

void run_lane(EchoRun& run, Lane& lane, std::barrier<>& all_ready, Finish& finish) {
  lane.result = prepare(run, lane);
  if (!lane.result) run.failed = true;
  all_ready.arrive_and_wait();
  if (!run.failed) measure(run, lane);
  if (!lane.result) run.failed = true;
  finish.arrive();
}

/// In place of run_lane() where there is no thread for it: the others wait for no one, and end early.
void give_up_lane(EchoRun& run, Lane& lane, const Error& why, std::barrier<>& all_ready, Finish& finish) {
  lane.result = err(
      Error{fmt::format("thread {} of {}: {}", lane.number + 1, run.options.threads, why.message), why.system_errno});
  run.failed = true;
  all_ready.arrive_and_drop();
  finish.arrive();
}

void show_progress(const EchoBenchOptions& options, const std::vector<std::unique_ptr<Lane>>& lanes, Finish& finish) {
  const auto begin = Clock::now();
  while (!finish.wait_for(kProgressInterval)) {
    if (!options.on_progress) continue;
    std::uint64_t answered = 0;
    for (const auto& lane : lanes) answered += lane->worker->answered();
    options.on_progress(answered, Clock::now() - begin);
  }
}

std::uint64_t samples_per_lane(const EchoBenchOptions& options) {
  const std::uint64_t most = kSamplesMax / options.threads;
  if (options.duration > Duration::zero() || options.repeat > most) return most;
  return std::min(most, options.repeat * connections_of(options, 0));
}

Result<void, Error> check(const EchoBenchOptions& options) {
  if (options.connections < options.threads) {
    return err(Error{fmt::format("--connections {} is fewer than --parallel {}: each thread needs one",
                                 options.connections, options.threads),
                     0});
  }
  if (options.payload.empty()) {
    return err(Error{"an empty message is not on the wire, so there is nothing to measure; give --size 1 or more", 0});
  }
  if (options.depth == 0 && options.rate == 0) {
    return err(Error{"--depth 0 (no bound) needs --rate: without it nothing limits what is sent", 0});
  }
  if (options.rate > 0 && options.duration > Duration::zero() && messages_in_time(options) < 1) {
    return err(Error{
        fmt::format("--rate {} for --duration {} is less than one message; give --duration {} or more", options.rate,
                    std::chrono::duration<double>(options.duration).count(), std::ceil(1e3 / options.rate) / 1e3),
        0});
  }
  return {};
}

Result<EchoBenchResult, Error> merge(const EchoBenchOptions& options, std::vector<std::unique_ptr<Lane>>& lanes) {
  EchoBenchResult all;
  EchoTime begin = EchoTime::max();
  EchoTime end = EchoTime::min();
  for (auto& lane : lanes) {
    if (!lane->result) return err(std::move(lane->result.error()));
  }
  for (auto& lane : lanes) {
    all.round_trips.merge(lane->recorder);
    all.first_round_trips.merge(lane->worker->first_round_trips());
    all.cpu += lane->cpu;
    begin = std::min(begin, lane->begin);
    end = std::max(end, lane->end);
  }
  all.messages = all.round_trips.histogram().count();
  all.payload_bytes = all.messages * options.payload.size();
  all.wall = all.rated_over = end - begin;
  // The last message of an open loop has its share of the time, too: else N messages would be over N - 1 intervals.
  if (options.rate > 0) {
    const double nanoseconds = std::ceil(1e9 * static_cast<double>(all.messages) / options.rate);
    all.rated_over = std::max(all.wall, Duration{static_cast<Duration::rep>(nanoseconds)});
  }
  return all;
}

}  // namespace

Result<EchoBenchResult, Error> run_echo_bench(const EchoBenchOptions& options) {
  if (auto checked = check(options); !checked) return err(std::move(checked.error()));
  EchoRun run{options};
  std::vector<std::unique_ptr<Lane>> lanes;
  for (unsigned i = 0; i < options.threads; ++i) {
    lanes.push_back(std::make_unique<Lane>(run, i, samples_per_lane(options)));
  }
  std::barrier all_ready{static_cast<std::ptrdiff_t>(options.threads)};
  Finish finish{options.threads};
  std::vector<std::thread> threads;
  threads.reserve(lanes.size());
  for (auto& lane : lanes) {
    auto thread =
        net::start_thread([&run, &all_ready, &finish, &lane = *lane] { run_lane(run, lane, all_ready, finish); });
    if (thread) {
      threads.push_back(std::move(*thread));
    } else {
      give_up_lane(run, *lane, thread.error(), all_ready, finish);
    }
  }
  show_progress(options, lanes, finish);
  for (std::thread& thread : threads) thread.join();
  return merge(options, lanes);
}

}  // namespace plait::bench
