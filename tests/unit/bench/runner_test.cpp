#include "bench/runner.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace plait::bench {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(BenchRunner, TheGeneratorHasTimeForItsPlan) {
  Plan plan;
  plan.warmup_seconds = 0.2;
  plan.seconds = 300;
  EXPECT_EQ(generator_timeout(plan), 420'200ms);
  plan.seconds = 86'400;
  EXPECT_EQ(generator_timeout(plan), 86'520'200ms);
}

/// The notes of a run without servers, and the ids of its cases.
struct Selected {
  std::vector<std::string> notes;
  std::vector<std::string> cases;
  std::string error;
};

Selected select(const Suite& suite, const RunOptions& options) {
  Selected selected;
  const auto results = run_suite(suite, options,
                                 {.on_progress = [](const Progress&) {},
                                  .on_case = [&](const CaseResult& one) { selected.cases.push_back(one.row.id); },
                                  .on_note = [&](const std::string& note) { selected.notes.push_back(note); }});
  if (!results) selected.error = results.error().message;
  return selected;
}

Suite make_suite() {
  Row everywhere{.id = "everywhere", .scheme = "ws", .placements = {Placement::two, Placement::one}};
  Row memory{.id = "memory", .scheme = "ws", .placements = {Placement::two}};
  memory.plan.mode = LoadMode::idle;
  Row transport{.id = "transport", .scheme = "https", .placements = {Placement::one}};
  return {.name = "s", .title = "t", .rows = {everywhere, memory, transport}};
}

TEST(BenchRunner, RowsThatNeedTwoCpusAreNamedWhereThereIsOne) {
  RunOptions options;
  EXPECT_THAT(select(make_suite(), options).notes, IsEmpty());
  options.server_cpu = options.client_cpu = 3;
  const Selected some = select(make_suite(), options);
  EXPECT_THAT(some.cases, ElementsAre("everywhere", "transport"));
  EXPECT_THAT(some.notes, ElementsAre("left out: the placement on two cores, for which there is only CPU 3, and so all "
                                      "of memory"));
  options.rows = "everywhere";
  EXPECT_THAT(select(make_suite(), options).notes,
              ElementsAre("left out: the placement on two cores, for which there is only CPU 3"));
  options.rows = "memory";
  EXPECT_EQ(select(make_suite(), options).error, some.notes[0]);
  options.rows = "nothing";
  EXPECT_EQ(select(make_suite(), options).error,
            "no row of 's' matches --rows 'nothing'; 'plait bench s --list' shows them all");
}

TEST(BenchRunner, RowsOfWhichVerifyComparesNothingMoreAreNamed) {
  RunOptions options;
  options.verify = true;
  EXPECT_THAT(select(make_suite(), options).notes, ElementsAre("--verify compares nothing more in memory, transport"));
  options.rows = "everywhere";
  EXPECT_THAT(select(make_suite(), options).notes, IsEmpty());
}

Row make_row(const std::string& id, LoadMode mode, const std::string& scheme) {
  Row row{.id = id, .scheme = scheme, .placements = {Placement::one}};
  row.plan.mode = mode;
  return row;
}

TEST(BenchRunner, RowsInWhichAnOptionChangesNothingAreNamed) {
  Suite suite{.name = "s", .title = "t", .rows = {}};
  for (const auto& [id, mode] : {std::pair{"echo", LoadMode::echo},
                                 {"counted", LoadMode::echo},
                                 {"connect", LoadMode::connect},
                                 {"fanout", LoadMode::fanout},
                                 {"stream", LoadMode::stream},
                                 {"memory", LoadMode::idle},
                                 {"bulk", LoadMode::bulk}}) {
    suite.rows.push_back(make_row(id, mode, "ws"));
  }
  suite.rows[1].plan.count = 2000;
  suite.rows[4].plan.total_bytes = 1;
  suite.rows.push_back(make_row("steady", LoadMode::stream, "https"));
  suite.rows.push_back(make_row("ten", LoadMode::datagram, "https"));
  suite.rows.back().seconds = 10;
  RunOptions options;
  EXPECT_THAT(select(suite, options).notes, IsEmpty());
  options.rate = 500;
  EXPECT_THAT(select(suite, options).notes,
              ElementsAre("--rate changes nothing in counted, connect, fanout, stream, memory, bulk, steady, ten"));
  options.rate = 0;
  options.has_seconds = true;
  EXPECT_THAT(select(suite, options).notes,
              ElementsAre("--seconds changes nothing in counted, stream, memory, bulk, ten"));
  options.has_warmup = true;
  options.has_seconds = false;
  EXPECT_THAT(select(suite, options).notes, ElementsAre("--warmup changes nothing in counted, stream, memory, bulk"));
  options.has_seconds = true;
  options.quick = true;
  options.rows = "steady|ten";
  EXPECT_THAT(select(suite, options).notes, IsEmpty()) << "a quick row has no time of its own";
}

TEST(BenchRunner, RowsThatSpinAreLeftOutOnOneCore) {
  Suite suite = make_suite();
  suite.rows[0].server_options = "--busy-poll 50";
  suite.rows[2].plan.spin = true;
  RunOptions options;
  const Selected some = select(suite, options);
  EXPECT_THAT(some.cases, ElementsAre("everywhere", "memory"));
  EXPECT_THAT(some.notes,
              ElementsAre("left out: on one core everywhere, transport, where a process that spins takes its "
                          "peer's time"));
  options.rows = "transport";
  EXPECT_EQ(select(suite, options).error,
            "left out: on one core transport, where a process that spins takes its peer's time");
}

}  // namespace
}  // namespace plait::bench
