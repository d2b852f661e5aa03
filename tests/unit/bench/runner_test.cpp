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
  EXPECT_EQ(select(make_suite(), options).error, "no row of 's' matches; --list shows them");
}

TEST(BenchRunner, RowsOfWhichVerifyComparesNothingMoreAreNamed) {
  RunOptions options;
  options.verify = true;
  EXPECT_THAT(select(make_suite(), options).notes, ElementsAre("--verify compares nothing more in memory, transport"));
  options.rows = "everywhere";
  EXPECT_THAT(select(make_suite(), options).notes, IsEmpty());
}

}  // namespace
}  // namespace plait::bench
