// What clients can make the hub work by the names that they choose.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <string>
#include <vector>

#include "fake.hpp"
#include "hub/audience.hpp"
#include "hub/home.hpp"

namespace plait::hub {
namespace {

using namespace test;

/// As 100 connections may have: each is alike to the end, or nearly, of a topic of many `a`.
std::vector<std::string> hostile_patterns() {
  std::vector<std::string> patterns;
  for (int i = 0; i < 3200; ++i) patterns.push_back("*" + std::string(200, 'a') + std::to_string(100'000 + i) + "*");
  return patterns;
}

std::string hostile_topic(int number) { return std::string(240, 'a') + std::to_string(100 + number); }

class NoOutlet final : public HomeOutlet {
 public:
  bool try_deliver(std::uint32_t, LoopMessage&&) override { return true; }
  void answer(std::uint32_t, LoopMessage&&) override { ++answers; }
  void on_gap() override {}
  int answers = 0;
};

TEST(HubHostileNames, SubscribingToATopicTriesNoPatternAtItsHome) {
  FakeExecutor executor;
  NoOutlet outlet;
  Home home{outlet, [&](BrokerListener& listener) { return memory_broker()({executor, listener, [] { return 1U; }}); }};
  for (const std::string& pattern : hostile_patterns()) home.handle(0, Watch{Bytes::copy_of(pattern)});
  for (int i = 0; i < 60; ++i) home.handle(0, Subscribe{Bytes::copy_of(hostile_topic(i)), {}, {}});
  EXPECT_EQ(outlet.answers, 3200 + 60);
  EXPECT_EQ(home.pattern_steps(), 0U);
  home.publish(hostile_topic(0), Bytes::copy_of("1"), {}, [](const auto&) {});
  const std::uint64_t steps = home.pattern_steps();
  EXPECT_GT(steps, 0U);
  EXPECT_LE(steps, 3200U * 256) << "each pattern once, no longer than it is";
  home.publish(hostile_topic(0), Bytes::copy_of("1"), {}, [](const auto&) {});
  EXPECT_EQ(home.pattern_steps(), steps);
}

TEST(HubHostileNames, SubscribingToATopicTriesNoPatternOnItsLoop) {
  Audience audience{[](const Subject&) { return true; }};
  for (const std::string& name : hostile_patterns()) {
    Pattern& pattern = audience.pattern(name);
    pattern.homes_left = 1;
    EXPECT_TRUE(audience.handle_watching(pattern));
  }
  for (int i = 0; i < 60; ++i) audience.topic(hostile_topic(i));
  EXPECT_EQ(audience.pattern_steps(), 0U);
  EXPECT_TRUE(audience.patterns_of(audience.topic(hostile_topic(0))).empty());
  EXPECT_GT(audience.pattern_steps(), 0U);
  EXPECT_LE(audience.pattern_steps(), 3200U * 256);
}

TEST(HubHostileNames, ListsOfMatchingPatternsAreBoundedTogether) {
  constexpr unsigned kPatterns = 2048;
  Audience audience{[](const Subject&) { return true; }};
  for (unsigned bits = 0; bits < kPatterns; ++bits) {
    std::string name;
    for (unsigned i = 0; i < 11; ++i) name += (bits >> i & 1U) != 0 ? '?' : 'a';
    Pattern& pattern = audience.pattern(name + '*');
    pattern.homes_left = 1;
    EXPECT_TRUE(audience.handle_watching(pattern));
  }
  std::size_t listed_most = 0;
  for (std::size_t i = 0; i < 4 * Audience::kListedPatternsMax / kPatterns; ++i) {
    const std::string name = hostile_topic(static_cast<int>(i));
    if (i % 2 == 0) audience.topic(name).requests = 1;  // somebody subscribes: it is not idle
    audience.handle(Publication{Bytes::copy_of(name), {}, Bytes::copy_of("1")});
    if (i % 64 == 0) audience.deliver_all();
    listed_most = std::max(listed_most, audience.listed_pattern_count());
  }
  audience.deliver_all();
  EXPECT_GT(listed_most, Audience::kListedPatternsMax / 2);
  EXPECT_LE(listed_most, Audience::kListedPatternsMax);
  EXPECT_EQ(audience.patterns_of(audience.topic(hostile_topic(0))).size(), kPatterns) << "a list that was forgotten";
  const std::uint64_t steps = audience.pattern_steps();
  EXPECT_EQ(audience.patterns_of(audience.topic(hostile_topic(0))).size(), kPatterns);
  EXPECT_EQ(audience.pattern_steps(), steps) << "it is known again";
}

TEST(HubHostileNames, ListsOfTopicsThatAreForgottenCountNoMore) {
  Audience audience{[](const Subject&) { return true; }};
  Pattern& pattern = audience.pattern("a*");
  pattern.homes_left = 1;
  EXPECT_TRUE(audience.handle_watching(pattern));
  for (std::size_t i = 0; i < 3 * Audience::kIdleTopicsMax; ++i) {
    audience.handle(Publication{Bytes::copy_of(hostile_topic(static_cast<int>(i))), {}, Bytes::copy_of("1")});
  }
  audience.deliver_all();
  EXPECT_LE(audience.listed_pattern_count(), audience.subject_count());
  Topic& topic = audience.topic("abc");
  EXPECT_EQ(audience.patterns_of(topic).size(), 1U);
  const std::size_t listed = audience.listed_pattern_count();
  audience.check_unused(topic);
  EXPECT_TRUE(audience.forget_unused());
  EXPECT_EQ(audience.listed_pattern_count(), listed - 1);
}

TEST(HubHostileNames, NoHashThatIsKnownPutsThemOntoOneLoop) {
  const FakeHub hub{4};
  std::array<int, 4> names{};
  for (int i = 0, found = 0; found < 400; ++i) {
    const std::string name = "topic" + std::to_string(i);
    if (std::hash<std::string_view>{}(name) % 4 != 0) continue;
    ++found;
    ++names.at(hub.engine->home_of(name));
  }
  EXPECT_GT(*std::min_element(names.begin(), names.end()), 40);
}

}  // namespace
}  // namespace plait::hub
