#include "bench/server_spec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace plait::bench {
namespace {

TEST(BenchServerSpec, OurServersStartFromAnyFolder) {
  for (const auto& servers : {plait_servers("/sp ace/plait"), raw_servers("/sp ace/plait")}) {
    for (const ServerSpec& server : servers) EXPECT_THAT(server.command, testing::StartsWith("'/sp ace/plait' "));
  }
}

}  // namespace
}  // namespace plait::bench
