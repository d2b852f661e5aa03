#include "hub/pattern_trie.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace plait::hub {
namespace {

/// The definition, as short as can be: what the trie must agree with.
bool matches(std::string_view pattern, std::string_view topic) {
  if (pattern.empty()) return topic.empty();
  if (pattern[0] == '*')
    return matches(pattern.substr(1), topic) || (!topic.empty() && matches(pattern, topic.substr(1)));
  return !topic.empty() && (pattern[0] == '?' || pattern[0] == topic[0]) && matches(pattern.substr(1), topic.substr(1));
}

std::set<std::string> matched(PatternTrie& trie, std::string_view topic) {
  std::set<std::string> found;
  trie.match(topic, [&](void* value) {
    EXPECT_TRUE(found.insert(*static_cast<std::string*>(value)).second) << "reported twice";
  });
  return found;
}

TEST(PatternTrie, MatchesStarsAndQuestionMarks) {
  std::string patterns[] = {"*", "a*", "*a", "a?c", "a*c*", "abc", "?", "a**c", "prices:*"};
  PatternTrie trie;
  for (std::string& pattern : patterns) trie.insert(pattern, &pattern);
  EXPECT_EQ(matched(trie, "abc"), (std::set<std::string>{"*", "a*", "a?c", "a*c*", "abc", "a**c"}));
  EXPECT_EQ(matched(trie, "a"), (std::set<std::string>{"*", "a*", "*a", "?"}));
  EXPECT_EQ(matched(trie, "ac"), (std::set<std::string>{"*", "a*", "a*c*", "a**c"}));
  EXPECT_EQ(matched(trie, "prices:"), (std::set<std::string>{"*", "prices:*"}));
  EXPECT_EQ(matched(trie, "prices:btc"), (std::set<std::string>{"*", "prices:*"}));
}

TEST(PatternTrie, EraseGivesTheNodesBack) {
  std::string patterns[] = {"ab*", "abc*", "ab"};
  PatternTrie trie;
  const std::size_t nodes = trie.node_count();
  for (std::string& pattern : patterns) trie.insert(pattern, &pattern);
  trie.erase("ab*");
  EXPECT_EQ(matched(trie, "abcd"), (std::set<std::string>{"abc*"}));
  EXPECT_EQ(matched(trie, "ab"), (std::set<std::string>{"ab"}));
  trie.erase("ab");
  trie.erase("abc*");
  EXPECT_TRUE(trie.empty());
  EXPECT_EQ(trie.node_count(), nodes);
  EXPECT_TRUE(matched(trie, "ab").empty());
}

// `prefix` stands before all of them.
void expect_agreement_on_random_patterns(std::string_view prefix) {
  std::mt19937 random{7};  // the seed is part of the test
  const auto text = [&](std::string_view alphabet, std::size_t size_max) {
    std::string made(1 + random() % size_max, ' ');
    for (char& c : made) c = alphabet[random() % alphabet.size()];
    return std::string{prefix} + made;
  };
  std::map<std::string, std::string> inserted;
  PatternTrie trie;
  for (int round = 0; round < 1000; ++round) {
    const std::string pattern = text("aab*?", 6);
    const auto [entry, is_new] = inserted.emplace(pattern, pattern);
    if (is_new) {
      trie.insert(pattern, &entry->second);
    } else {
      trie.erase(pattern);
      inserted.erase(entry);
    }
    const std::string topic = text("ab", 7);
    std::set<std::string> expected;
    for (const auto& [key, value] : inserted) {
      if (matches(key, topic)) expected.insert(key);
    }
    ASSERT_EQ(matched(trie, topic), expected) << topic << " in round " << round;
  }
}

TEST(PatternTrie, AgreesWithTheDefinitionOnRandomPatterns) { expect_agreement_on_random_patterns({}); }

TEST(PatternTrie, AgreesWithTheDefinitionWhereBranchesEnd) {
  for (std::size_t size = PatternTrie::kBranchBytesMax - 5; size <= PatternTrie::kBranchBytesMax + 1; ++size) {
    expect_agreement_on_random_patterns(std::string(size, 'a'));
  }
}

TEST(PatternTrie, LongPatternsTakeFewNodesAndGiveTheirMemoryBack) {
  std::mt19937 random{11};
  std::vector<std::string> patterns;
  for (int i = 0; i < 2048; ++i) {
    std::string pattern(255, ' ');
    for (char& c : pattern) c = static_cast<char>('a' + random() % 26);
    patterns.push_back(pattern + '*');
  }
  PatternTrie trie;
  for (std::string& pattern : patterns) trie.insert(pattern, &pattern);
  EXPECT_LE(trie.node_count(), 1 + patterns.size() * PatternTrie::kBranchBytesMax);
  EXPECT_EQ(matched(trie, patterns[7].substr(0, 255)), (std::set<std::string>{patterns[7]}));
  for (const std::string& pattern : patterns) trie.erase(pattern);
  EXPECT_EQ(trie.allocated(), 1u) << "the root";
  EXPECT_TRUE(matched(trie, patterns[7]).empty());
}

TEST(PatternTrie, HostilePatternsCostNoMoreThanTheirLength) {
  std::vector<std::string> patterns;
  for (std::size_t i = 0; i < 100; ++i) {
    std::string pattern(252, 'a');
    for (const std::size_t star : {i % 7, 8 + i % 11, 20 + i % 13, 40 + i % 17}) {
      pattern[star] = '*';
    }
    patterns.push_back(pattern + std::to_string(i));
  }
  PatternTrie trie;
  for (std::string& pattern : patterns) trie.insert(pattern, &pattern);
  const std::string topic(256, 'a');
  const std::uint64_t steps = trie.steps();
  EXPECT_TRUE(matched(trie, topic).empty());
  EXPECT_LE(trie.steps() - steps, patterns.size() * 260);
}

TEST(PatternTrie, MostPatternsThatDoNotMatchDifferAtTheEnd) {
  std::vector<std::string> patterns;
  for (int i = 0; i < 3200; ++i) patterns.push_back("*" + std::string(240, 'a') + std::to_string(100'000 + i));
  PatternTrie trie;
  for (std::string& pattern : patterns) trie.insert(pattern, &pattern);
  const std::uint64_t steps = trie.steps();
  EXPECT_TRUE(matched(trie, std::string(256, 'a')).empty());
  EXPECT_LE(trie.steps() - steps, 3 * patterns.size());
}

TEST(PatternTrie, PartsOfAllLengthsAreFoundAtAllPlaces) {
  PatternTrie trie;
  std::string middle;
  for (const std::size_t size : {2U, 3U, 63U, 64U, 65U, 128U, 200U}) {
    for (const std::size_t place : {0U, 1U, 55U, 56U}) {
      std::string part(size, 'b');
      part[size / 2] = '?';
      middle = "*" + part + "*";
      trie.insert(middle, &middle);
      std::string topic(place, 'a');
      topic.append(size, 'b');
      EXPECT_EQ(matched(trie, topic).size(), 1U) << size << " at " << place;
      EXPECT_EQ(matched(trie, topic + std::string(256 - topic.size(), 'c')).size(), 1U) << size << " at " << place;
      EXPECT_EQ(matched(trie, topic.substr(0, topic.size() - 1)).size(), 0U) << size << " at " << place;
      trie.erase(middle);
    }
  }
  trie.insert("*", &middle);
  EXPECT_TRUE(matched(trie, std::string(257, 'a')).empty()) << "no topic";
}

}  // namespace
}  // namespace plait::hub
