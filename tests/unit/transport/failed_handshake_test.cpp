// The log's line of a handshake that failed.
#include <plait/log.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/transport_loop.hpp"

namespace plait::transport {
namespace {

class FailedHandshakeLine : public testing::Test, protected TransportLoop {
 protected:
  FailedHandshakeLine() {
    set_log_sink([this](LogLevel, std::string_view line) { lines_.emplace_back(line); });
  }
  ~FailedHandshakeLine() override { set_log_sink({}); }

  std::vector<std::string> lines_;
};

TEST_F(FailedHandshakeLine, IsThereForEachProvenAddress) {
  for (int i = 0; i < 3; ++i) context_.note_failed_handshake("192.0.2.9:4", "no certificate");
  EXPECT_EQ(lines_, std::vector<std::string>(3, "192.0.2.9:4 handshake failed: no certificate"));
}

// Who floods a server from addresses of others must not fill its disk.
TEST_F(FailedHandshakeLine, SaysHowManyOfUnprovenAddressesHaveNone) {
  const core::TimePoint before = loop_->now() - RareWarning::kInterval;
  for (int i = 0; i < 3; ++i) context_.unproven_failure.give(before, "one of them");
  for (int i = 0; i < 2; ++i) context_.note_failed_handshake("192.0.2.9:4", "no protocol", false);
  const std::vector<std::string> expected{
      "one of them",
      "192.0.2.9:4 handshake failed: no protocol; 2 more from unproven addresses before it have no line"};
  EXPECT_EQ(lines_, expected);
  EXPECT_EQ(context_.unproven_failure.left_out_count(), 1U);
  EXPECT_EQ(context_.counters.handshakes_failed.get(), 2U);
}

}  // namespace
}  // namespace plait::transport
