#include "bench/accounting.hpp"
#include "bench/components/machine.hpp"

#include <gtest/gtest.h>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>

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
  volatile std::uint64_t sum = 1;
  for (int i = 0; i < 100'000; ++i) sum = sum * 6364136223846793005U + 1;
  EXPECT_GT(own_cpu_seconds(), before);
}

constexpr double kChildSeconds = 0.05;
constexpr std::size_t kChildBytes = std::size_t{32} << 20;

/// Works, fills memory, says so and waits for its end.
[[noreturn]] void be_a_child(int ready) {
  while (own_cpu_seconds() < kChildSeconds) {
  }
  void* memory = mmap(nullptr, kChildBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) _exit(1);
  std::memset(memory, 1, kChildBytes);
  if (write(ready, "", 1) != 1) _exit(1);
  for (;;) pause();
}

TEST(BenchAccounting, AChildIsInItsParentsTree) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const ProcessTree alone(getpid());
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) be_a_child(ready[1]);
  char byte = 0;
  close(ready[1]);
  EXPECT_EQ(read(ready[0], &byte, 1), 1);
  const ProcessTree both(getpid());
  EXPECT_NE(std::find(both.processes().begin(), both.processes().end(), child), both.processes().end());
  // Of the parent alone after that of both: its own time in between can only make the difference smaller.
  const double cpu = both.cpu_seconds();
  EXPECT_GT(cpu - alone.cpu_seconds(), kChildSeconds / 2);
  EXPECT_GE(both.memory().anonymous_bytes, alone.memory().anonymous_bytes + kChildBytes / 2);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  close(ready[0]);
}

TEST(BenchMachine, CpuModel) {
  EXPECT_EQ(parse_cpu_model("processor\t: 0\nmodel name\t: AMD EPYC 9B45\nstepping : 1\n"), "AMD EPYC 9B45");
  EXPECT_EQ(parse_cpu_model("processor : 0\n"), "");
}

}  // namespace
}  // namespace plait::bench
