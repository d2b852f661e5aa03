#include "hub/expiry.hpp"

#include <algorithm>
#include <chrono>

namespace plait::hub {
namespace {

constexpr std::chrono::hours kStep{1};  // clocks are set, and machines sleep

}  // namespace

Expiry::Expiry(Shard& shard, Connection& connection, WallTime end) : shard_(shard), connection_(connection), end_(end) {
  wait();
}

void Expiry::on_timer(core::TimePoint) {
  if (shard_.options().wall_clock() >= end_) return connection_.expire();
  wait();
}

void Expiry::wait() {
  const WallTime now = shard_.options().wall_clock();
  const auto left = std::clamp<WallTime::duration>(std::max(end_, now) - now, {}, kStep);
  shard_.executor().schedule(*this, shard_.now() + left);
}

}  // namespace plait::hub
