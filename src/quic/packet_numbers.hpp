// PacketNumbers: which 1-RTT packets have come. ngtcp2 drops copies only behind where FrameScan reads, so whoever sees
// a connection's packets could send copies of one until its frames seem too many.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace plait::quic {

class PacketNumbers {
 public:
  /// ngtcp2 1.11 remembers no more of them either, and takes what lies in older ones for copies, too.
  static constexpr std::size_t kGapsMax = 256;

  /// False: it has come before.
  bool add(std::uint64_t number) {
    if (number < next_) return fill(number);
    if (number > next_) gaps_.push_back({next_, number});
    next_ = number + 1;
    forget_oldest();
    return true;
  }

 private:
  struct Gap {
    std::uint64_t begin;
    std::uint64_t end;
  };

  bool fill(std::uint64_t number) {
    const auto gap = std::ranges::upper_bound(gaps_, number, {}, &Gap::end);
    if (gap == gaps_.end() || number < gap->begin) return false;
    const Gap behind{number + 1, gap->end};
    gap->end = number;
    if (behind.begin < behind.end) gaps_.insert(gap + 1, behind);
    std::erase_if(gaps_, [](const Gap& one) { return one.begin == one.end; });
    forget_oldest();
    return true;
  }
  void forget_oldest() {
    if (gaps_.size() > kGapsMax) gaps_.erase(gaps_.begin());
  }

  std::uint64_t next_ = 0;  // above all that have come
  std::vector<Gap> gaps_;   // below it, in order
};

}  // namespace plait::quic
