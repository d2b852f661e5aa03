#include "hub/ring.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace plait::hub {
namespace {

TEST(Ring, KeepsOrderAroundItsEnd) {
  Ring<int> ring{4};
  int pushed = 0;
  int taken = 0;
  for (int round = 0; round < 10; ++round) {
    while (ring.room(1) > 0) ring.push(int{pushed++});
    EXPECT_EQ(ring.waiting(), 4u);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(ring.take(), taken++);
  }
}

TEST(Ring, RoundsItsCapacityUp) {
  Ring<int> ring{5};
  EXPECT_EQ(ring.room(8), 8u);
  ring.push(1);
  EXPECT_EQ(ring.room(8), 7u);
  EXPECT_EQ(ring.take(), 1);
  EXPECT_EQ(ring.room(8), 8u);
}

TEST(Ring, LetsGoOfWhatWasTaken) {
  Ring<std::shared_ptr<int>> ring{2};
  auto value = std::make_shared<int>(1);
  ring.push(std::shared_ptr<int>{value});
  EXPECT_EQ(value.use_count(), 2);
  ring.take().reset();
  EXPECT_EQ(value.use_count(), 1);
}

}  // namespace
}  // namespace plait::hub
