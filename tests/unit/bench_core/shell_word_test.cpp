#include "bench/shell_word.hpp"

#include "bench/server_spec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace plait::bench {
namespace {

TEST(BenchShellWord, OnlyWhatNeedsQuotesHasThem) {
  EXPECT_EQ(shell_quoted("/usr/bin/plait"), "/usr/bin/plait");
  EXPECT_EQ(shell_quoted("quic://127.0.0.1:4433"), "quic://127.0.0.1:4433");
  EXPECT_EQ(shell_quoted(""), "''");
  EXPECT_EQ(shell_quoted("/sp ace/plait"), "'/sp ace/plait'");
  EXPECT_EQ(shell_quoted("it's"), "'it'\\''s'");
}

TEST(BenchShellWord, OurServersStartFromAnyFolder) {
  for (const auto& servers : {plait_servers("/sp ace/plait"), raw_servers("/sp ace/plait")}) {
    for (const ServerSpec& server : servers) EXPECT_THAT(server.command, testing::StartsWith("'/sp ace/plait' "));
  }
}

}  // namespace
}  // namespace plait::bench
