#include "net/affinity.hpp"

#include <gmock/gmock.h>
#include <sched.h>

#include <thread>

namespace plait::net {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Affinity, APinnedThreadHasThatCpuOnly) {
  const auto before = available_cpus();
  ASSERT_FALSE(before.empty());
  std::thread{[&] {
    ASSERT_TRUE(pin_this_thread(before.back()));
    EXPECT_THAT(available_cpus(), ElementsAre(before.back()));
    EXPECT_EQ(::sched_getcpu(), before.back());
  }}.join();
  EXPECT_EQ(available_cpus(), before) << "only the calling thread is bound";
}

TEST(Affinity, ACpuThatIsNotThereIsNamedWithThoseThatAre) {
  for (const int cpu : {-1, CPU_SETSIZE - 1, CPU_SETSIZE}) {
    const auto pinned = pin_this_thread(cpu);
    ASSERT_FALSE(pinned) << cpu;
    EXPECT_EQ(pinned.error().system_errno, EINVAL);
    EXPECT_THAT(pinned.error().message, HasSubstr("CPU " + std::to_string(cpu) + ": this process may use"));
    EXPECT_THAT(pinned.error().message, HasSubstr(std::to_string(available_cpus().front())));
  }
}

TEST(Affinity, CpusAreCheckedWithoutMovingTheThread) {
  const auto before = available_cpus();
  EXPECT_TRUE(check_cpus({}));
  EXPECT_TRUE(check_cpus(before));
  const auto checked = check_cpus({before.front(), CPU_SETSIZE - 1});
  ASSERT_FALSE(checked);
  std::string usable;
  for (const int cpu : before) usable += (usable.empty() ? "" : ", ") + std::to_string(cpu);
  EXPECT_EQ(checked.error().message,
            "cannot use CPU " + std::to_string(CPU_SETSIZE - 1) + ": this process may use " + usable);
  EXPECT_EQ(available_cpus(), before);
}

}  // namespace
}  // namespace plait::net
