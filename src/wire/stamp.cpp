#include "wire/stamp.hpp"

#include <algorithm>

namespace plait::wire {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

void write_digits(char* out, unsigned value, int digits) {
  for (int i = digits; i-- > 0; value /= 10) out[i] = static_cast<char>('0' + value % 10);
}

}  // namespace

MessageId IdSource::next(WallTime now) {
  if (used_ == pool_.size()) {
    random_(pool_);
    used_ = 0;
  }
  MessageId id;
  auto milliseconds = static_cast<std::uint64_t>(now.time_since_epoch().count());
  for (std::size_t i = 6; i-- > 0; milliseconds >>= 8) id[i] = static_cast<std::uint8_t>(milliseconds);
  std::copy_n(pool_.begin() + static_cast<std::ptrdiff_t>(used_), kRandomBytesPerId, id.begin() + 6);
  used_ += kRandomBytesPerId;
  id[6] = static_cast<std::uint8_t>(0x70 | (id[6] & 0x0F));  // version
  id[8] = static_cast<std::uint8_t>(0x80 | (id[8] & 0x3F));  // variant
  return id;
}

void append_id(std::string& out, const MessageId& id) {
  char text[36];
  char* write = text;
  for (std::size_t i = 0; i < id.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *write++ = '-';
    *write++ = kHexDigits[id[i] >> 4];
    *write++ = kHexDigits[id[i] & 15];
  }
  out.append(text, sizeof(text));
}

void append_time(std::string& out, WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  char text[] = "0000-00-00T00:00:00.000Z";
  write_digits(text, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  write_digits(text + 5, static_cast<unsigned>(date.month()), 2);
  write_digits(text + 8, static_cast<unsigned>(date.day()), 2);
  write_digits(text + 11, static_cast<unsigned>(clock.hours().count()), 2);
  write_digits(text + 14, static_cast<unsigned>(clock.minutes().count()), 2);
  write_digits(text + 17, static_cast<unsigned>(clock.seconds().count()), 2);
  write_digits(text + 20, static_cast<unsigned>(clock.subseconds().count()), 3);
  out.append(text, sizeof(text) - 1);
}

void append_epoch(std::string& out, std::uint32_t epoch) {
  for (int shift = 28; shift >= 0; shift -= 4) out += kHexDigits[(epoch >> shift) & 15];
}

}  // namespace plait::wire
