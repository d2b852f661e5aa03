#include "bench/accounting.hpp"
#include "bench/components/machine.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>

namespace plait::bench {
namespace {

TEST(BenchAccounting, SmapsRollupFields) {
  const MemoryUse use = parse_smaps_rollup(
      "55d0c8a00000-7ffd1b9f4000 ---p 00000000 00:00 0                          [rollup]\n"
      "Rss:                3456 kB\nPss:                1200 kB\nPss_Dirty:            900 kB\n"
      "Pss_Anon:            800 kB\nShared_Clean:       2560 kB\nAnonymous:           896 kB\n");
  EXPECT_EQ(use.rss_bytes, 3456U * 1024);
  EXPECT_EQ(use.pss_bytes, 1200U * 1024);
  EXPECT_EQ(use.anonymous_bytes, 896U * 1024);
}

TEST(BenchAccounting, SmapsRollupOfAnEndedProcessIsEmpty) { EXPECT_EQ(parse_smaps_rollup("").rss_bytes, 0U); }

TEST(BenchAccounting, IdleIsIdleAndIowaitOfTheFirstLine) {
  EXPECT_EQ(parse_idle_ticks("cpu  6822 0 1843 218234 366 0 81 8 0 0\ncpu0 1 1 1 1 1\n"), 218600U);
  EXPECT_FALSE(parse_idle_ticks("cpu 1 2 3 4\ncpu0 1 1 1 1 1\n"));  // must not run on into the next line
  EXPECT_FALSE(parse_idle_ticks("intr 5"));
}

TEST(BenchAccounting, ParentBehindANameWithParentheses) {
  EXPECT_EQ(parse_parent("4711 (a) b (c)) S 42 4711 4711 0 -1"), 42);
  EXPECT_FALSE(parse_parent("4711"));
}

TEST(BenchAccounting, ThisProcessHasCpuTimeMemoryAndItself) {
  const ProcessTree tree(getpid());
  EXPECT_NE(std::find(tree.processes().begin(), tree.processes().end(), getpid()), tree.processes().end());
  EXPECT_GT(tree.cpu_seconds(), 0);
  EXPECT_GT(tree.memory().rss_bytes, tree.memory().anonymous_bytes / 2);
  EXPECT_GT(tree.memory().anonymous_bytes, 0U);
}

TEST(BenchAccounting, CpuTimeGrowsWithWork) {
  const double before = own_cpu_seconds();
  std::uint64_t sum = 1;
  while (own_cpu_seconds() - before < 0.001) sum = sum * 6364136223846793005U + 1;
  EXPECT_NE(sum, 0U);
  EXPECT_GT(own_cpu_seconds(), before);
}

TEST(BenchMachine, CpuModel) {
  EXPECT_EQ(parse_cpu_model("processor\t: 0\nmodel name\t: AMD EPYC 9B45\nstepping : 1\n"), "AMD EPYC 9B45");
  EXPECT_EQ(parse_cpu_model("processor : 0\n"), "");
}

}  // namespace
}  // namespace plait::bench
