#include "http/date.hpp"

#include <gtest/gtest.h>

namespace plait::http {
namespace {

std::string date_of(std::int64_t seconds) {
  return imf_fixdate(std::chrono::system_clock::time_point{std::chrono::seconds{seconds}});
}

TEST(HttpDate, Rfc9110Section5_6_7Example) { EXPECT_EQ(date_of(784111777), "Sun, 06 Nov 1994 08:49:37 GMT"); }

TEST(HttpDate, EveryMonthAndWeekday) {
  EXPECT_EQ(date_of(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(date_of(-1), "Wed, 31 Dec 1969 23:59:59 GMT");
  EXPECT_EQ(date_of(951782400), "Tue, 29 Feb 2000 00:00:00 GMT");
  EXPECT_EQ(date_of(1709210096), "Thu, 29 Feb 2024 12:34:56 GMT");
  EXPECT_EQ(date_of(4107542399), "Sun, 28 Feb 2100 23:59:59 GMT");
  EXPECT_EQ(date_of(4107542400), "Mon, 01 Mar 2100 00:00:00 GMT");
}

TEST(HttpDate, FractionsOfASecondAreDropped) {
  const std::chrono::system_clock::time_point time{std::chrono::milliseconds{1999}};
  EXPECT_EQ(imf_fixdate(time), "Thu, 01 Jan 1970 00:00:01 GMT");
}

}  // namespace
}  // namespace plait::http
