// Application codes among those of HTTP/3 (draft-ietf-webtrans-http3 §4.4).
#include <gtest/gtest.h>

#include "h3/error.hpp"
#include "unit/wt/wt_testing.hpp"
#include "wt/error_code.hpp"

namespace plait::wt {
namespace {

struct CodePair {
  std::uint32_t application;
  std::uint64_t http;
};
constexpr CodePair kPairs[] = {{0, 0x52E4A40FA8DB},         {0x1D, 0x52E4A40FA8F8}, {0x1E, 0x52E4A40FA8FA},
                               {77, 0x52E4A40FA92A},        {78, 0x52E4A40FA92B},   {0xFF, 0x52E4A40FA9E2},
                               {0xFFFFFFFF, 0x52E5AC983162}};

TEST(WtErrorCode, MapsBothWays) {
  for (const CodePair& pair : kPairs) {
    EXPECT_EQ(to_http_code(pair.application), pair.http);
    EXPECT_EQ(to_application_code(pair.http), pair.application);
  }
}

TEST(WtErrorCode, GreaseAndOthersAreNoApplicationCodes) {
  EXPECT_EQ(to_application_code(0x52E4A40FA8F9), std::nullopt);
  EXPECT_EQ(to_application_code(0x52E4A40FA8DA), std::nullopt);
  EXPECT_EQ(to_application_code(0x52E5AC983163), std::nullopt);
  EXPECT_EQ(to_application_code(0), std::nullopt);
  EXPECT_EQ(to_application_code(h3::code::kNoError), std::nullopt);
  EXPECT_EQ(to_application_code(code::kSessionGone), std::nullopt);
  EXPECT_EQ(to_application_code(~std::uint64_t{0}), std::nullopt);
}

TEST(WtErrorCode, EveryCodeSurvivesTheWay) {
  for (std::uint64_t n = 0; n <= 0xFFFFFFFF; n += n < 100'000 ? 1 : 9'999'991) {
    const auto application = static_cast<std::uint32_t>(n);
    ASSERT_EQ(to_application_code(to_http_code(application)), application) << n;
    ASSERT_NE((to_http_code(application) - 0x21) % 31, 0U) << n;
  }
}

TEST(WtErrorCode, EachRuleHasTheCodeThatTheStandardsDemandAndASentence) {
  for (int i = 0; i <= static_cast<int>(kLastError); ++i) {
    const auto error = static_cast<Error>(i);
    EXPECT_EQ(wire_code_of(error), standard_code_of(error)) << describe(error);
    EXPECT_NE(describe(error), "no error") << i;
  }
}

TEST(WtErrorCode, TheDraftsOwnCodes) {
  EXPECT_EQ(code::kBufferedStreamRejected, 0x3994BD84U);
  EXPECT_EQ(code::kSessionGone, 0x170D7B68U);
  EXPECT_EQ(code::kFlowControlError, 0x045D4487U);
  EXPECT_EQ(code::kAlpnError, 0x0817B3DDU);
}

}  // namespace
}  // namespace plait::wt
