#include "bench/components/generator/meter.hpp"
#include "bench/components/units.hpp"
#include "bench/json_text.hpp"

#include <gtest/gtest.h>

namespace plait::bench {
namespace {

constexpr std::uint64_t kBegin = 5 * kSecond;

TEST(BenchMeter, RatesOfTheSecondsAddUpToTheMessages) {
  Meter meter{Plan{}};
  meter.begin(kBegin);
  meter.confirm(100, 100);
  meter.tick(kBegin + kSecond);
  meter.confirm(50, 50);
  meter.end(kBegin + 2 * kSecond);
  EXPECT_EQ(numbers_of(meter.report().find("per_second")), (std::vector<double>{100, 50}));
}

TEST(BenchMeter, WhatIsKnownOfTheWholeWindowOnlyHasNoRates) {
  Meter meter{Plan{}};
  meter.begin(kBegin);
  meter.tick(kBegin + kSecond);
  meter.confirm_whole(100, 1000);
  meter.end(kBegin + 2 * kSecond);
  const Value report = meter.report();
  EXPECT_TRUE(report.find("per_second").is_null());
  EXPECT_EQ(report.find("messages").as_double().value_or(0), 100);
  EXPECT_EQ(report.find("payload_bytes").as_double().value_or(0), 1000);
}

TEST(BenchMeter, WithoutALatencyThereIsNone) {
  Meter meter{Plan{}};
  meter.begin(kBegin);
  meter.confirm(1, 1);
  EXPECT_TRUE(meter.report().find("latency_us").is_null());
  meter.record_latency(2000, 1);
  meter.end(kBegin + kSecond);
  EXPECT_NEAR(meter.report().find("latency_us").find("max").as_double().value_or(0), 2, 0.1);
}

TEST(BenchMeter, WhatIsAnsweredInTheDrainIsLate) {
  Meter meter{Plan{}};
  EXPECT_FALSE(meter.covers(kBegin)) << "warm-up";
  meter.begin(kBegin);
  meter.confirm(6, 6);
  EXPECT_TRUE(meter.covers(kBegin));
  EXPECT_FALSE(meter.covers(kBegin - 1));
  meter.end(kBegin + kSecond);
  meter.confirm(1, 1);
  meter.begin_drain();
  EXPECT_TRUE(meter.covers(kBegin + kSecond));
  EXPECT_FALSE(meter.covers(kBegin + kSecond + 1));
  EXPECT_FALSE(meter.covers(kBegin - 1));
  meter.confirm(3, 3);
  meter.lose(1);
  const Value report = meter.report();
  for (const auto& [name, count] : {std::pair{"messages", 6}, {"payload_bytes", 6}, {"late", 3}, {"lost", 1}}) {
    EXPECT_EQ(report.find(name).as_double().value_or(-1), count) << name;
  }
}

}  // namespace
}  // namespace plait::bench
