#include "http/date.hpp"

#include <array>
#include <string_view>

#include "core/assert.hpp"

namespace plait::http {
namespace {

// Writes `number` right-aligned over the zeros at `end - digits`.
void put_number(std::string& text, std::size_t end, unsigned number) {
  for (; number > 0; number /= 10) text[--end] = static_cast<char>('0' + number % 10);
}

}  // namespace

std::string imf_fixdate(std::chrono::system_clock::time_point time) {
  constexpr std::array<std::string_view, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto days = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{days};
  const std::chrono::hh_mm_ss clock{std::chrono::floor<std::chrono::seconds>(time - days)};
  const int year = static_cast<int>(date.year());
  PLAIT_ASSERT(year >= 1 && year <= 9999, "IMF-fixdate has four digits for the year");
  std::string text = "Ddd, 00 Mmm 0000 00:00:00 GMT";
  text.replace(0, 3, kDays[std::chrono::weekday{days}.c_encoding()]);
  put_number(text, 7, static_cast<unsigned>(date.day()));
  text.replace(8, 3, kMonths[static_cast<unsigned>(date.month()) - 1]);
  put_number(text, 16, static_cast<unsigned>(year));
  put_number(text, 19, static_cast<unsigned>(clock.hours().count()));
  put_number(text, 22, static_cast<unsigned>(clock.minutes().count()));
  put_number(text, 25, static_cast<unsigned>(clock.seconds().count()));
  return text;
}

}  // namespace plait::http
