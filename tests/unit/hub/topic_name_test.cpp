#include "hub/topic_name.hpp"

#include <gtest/gtest.h>

#include <string>

namespace plait::hub {
namespace {

TEST(TopicName, VisibleAsciiUpTo256Bytes) {  // spec/protocol.md §1.2
  EXPECT_TRUE(is_topic("prices:BTC-USD"));
  EXPECT_TRUE(is_topic("!"));
  EXPECT_TRUE(is_topic("~"));
  EXPECT_TRUE(is_topic(std::string(256, 'a')));
  for (const std::string& name : {std::string{}, std::string(257, 'a'), std::string{"a b"}, std::string{"a\nb"},
                                  std::string{"a\x7F"}, std::string{"é"}, std::string{"a\0b", 3}}) {
    EXPECT_FALSE(is_topic(name)) << name;
    EXPECT_FALSE(is_subscribable(name)) << name;
  }
}

TEST(TopicName, PatternsCanBeSubscribedToButNotPublishedTo) {
  for (const char* name : {"*", "a?", "prices:*", "*:*:*:*"}) {
    EXPECT_TRUE(is_subscribable(name)) << name;
    EXPECT_FALSE(is_topic(name)) << name;
  }
  EXPECT_FALSE(is_subscribable("*****"));
}

TEST(TopicName, PatternsThatMatchOneTopicMayOverlap) {
  for (const auto& [one, other] :
       {std::pair{"a*", "?1"}, {"*", "?"}, {"a*c", "ab*"}, {"a?c", "?b?"}, {"a*", "a"}, {"*b", "a*"}}) {
    EXPECT_TRUE(may_overlap(one, other)) << one << " " << other;
    EXPECT_TRUE(may_overlap(other, one)) << one << " " << other;
  }
  for (const auto& [one, other] : {std::pair{"a*", "b*"}, {"*a", "*b"}, {"a?", "a"}, {"a?", "??b"}, {"x?z", "y*"}}) {
    EXPECT_FALSE(may_overlap(one, other)) << one << " " << other;
    EXPECT_FALSE(may_overlap(other, one)) << one << " " << other;
  }
}

}  // namespace
}  // namespace plait::hub
