#include <plait/log.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace plait {
namespace {

class Log : public testing::Test {
 protected:
  Log() {
    set_log_sink([this](LogLevel level, std::string_view line) {
      lines_.emplace_back(line);
      levels_.push_back(level);
    });
  }
  ~Log() override { set_log_sink({}); }
  std::vector<std::string> lines_;
  std::vector<LogLevel> levels_;
};

TEST_F(Log, ControlCharactersOfAPeerReachNoTerminal) {
  log(LogLevel::warning, "origin \x1b[2J\nplait: error: forged\x7f");
  ASSERT_FALSE(lines_.empty());
  EXPECT_EQ(lines_.back(), "origin ?[2J?plait: error: forged?");
  log(LogLevel::warning, "origin \xC2\x9B 31m \xC2\x80\xC2\x9F \xC2\xA0\xC3\xA9");
  EXPECT_EQ(lines_.back(), "origin ? 31m ?? \xC2\xA0\xC3\xA9") << "also those of two bytes, and no letter";
}

TEST_F(Log, LongLinesAreCut) {
  log(LogLevel::warning, std::string(10'000, 'x'));
  ASSERT_FALSE(lines_.empty());
  EXPECT_EQ(lines_.back(), std::string(kLogLineBytesMax, 'x') + "...");
}

TEST_F(Log, ASinkMayCallWhatLogs) {
  set_log_sink([this](LogLevel, std::string_view line) {
    lines_.emplace_back(line);
    log(LogLevel::error, "from inside the sink");
  });
  log(LogLevel::warning, "first");
  log(LogLevel::warning, "second");
  ASSERT_GE(lines_.size(), 2U);
  EXPECT_EQ(lines_[lines_.size() - 2], "first");
  EXPECT_EQ(lines_.back(), "second");
}

// However long the loop takes, a second has at most kLogLinesPerSecond lines and one about those left out.
TEST_F(Log, AFloodIsBounded) {
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 100'000; ++i) log(LogLevel::warning, "refused");
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - begin).count();
  EXPECT_GE(lines_.size(), 1U);
  EXPECT_LE(lines_.size(), (static_cast<std::size_t>(seconds) + 2) * (kLogLinesPerSecond + 1));
}

TEST_F(Log, AFloodOfOneLevelHidesNoOtherLevel) {
  for (int i = 0; i < 100'000; ++i) log(LogLevel::debug, "a request");
  log(LogLevel::error, "something important");
  ASSERT_FALSE(lines_.empty());
  EXPECT_EQ(lines_.back(), "something important");
  for (std::size_t i = 0; i + 1 < lines_.size(); ++i) {
    EXPECT_EQ(levels_[i], LogLevel::debug) << lines_[i];  // what was left out is told to those who see such lines
  }
}

}  // namespace
}  // namespace plait
