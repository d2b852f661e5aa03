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

TEST(BenchServerSpec, OursSayTheirCongestionControlInBulkRows) {
  Row row{.id = "bulk", .scheme = "https"};
  row.plan.mode = LoadMode::bulk;
  auto servers = plait_servers("plait");
  const auto raw = raw_servers("plait");
  servers.insert(servers.end(), raw.begin(), raw.end());
  EXPECT_EQ(find_spec(servers, "plait", row)->congestion_control, "cubic");
  EXPECT_EQ(find_spec(servers, "raw", row)->congestion_control, "cubic");
  EXPECT_THAT(find_spec(servers, "openssl", row)->congestion_control, testing::AnyOf("cubic", "reno"));
}

}  // namespace
}  // namespace plait::bench
