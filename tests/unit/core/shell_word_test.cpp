#include "core/shell_word.hpp"

#include <gtest/gtest.h>

namespace plait::core {
namespace {

TEST(ShellWord, OnlyWhatNeedsQuotesHasThem) {
  EXPECT_EQ(shell_quoted("/usr/bin/plait"), "/usr/bin/plait");
  EXPECT_EQ(shell_quoted("quic://127.0.0.1:4433"), "quic://127.0.0.1:4433");
  EXPECT_EQ(shell_quoted(""), "''");
  EXPECT_EQ(shell_quoted("/sp ace/plait"), "'/sp ace/plait'");
  EXPECT_EQ(shell_quoted("it's"), "'it'\\''s'");
}

}  // namespace
}  // namespace plait::core
