#include "server/rate_limiter.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string_view>

#include "core/seeded_hash.hpp"

namespace plait::server {

std::size_t RateLimiter::Hash::operator()(const net::Network& network) const {
  return core::SeededHash{}({reinterpret_cast<const char*>(network.data()), network.size()});
}

RateLimiter::Entry& RateLimiter::entry_of(const net::Network& network, core::TimePoint now) {
  if (const auto found = places_.find(network); found != places_.end()) {
    entries_.splice(entries_.begin(), entries_, found->second);
    return entries_.front();
  }
  if (entries_.size() >= std::max<std::size_t>(options_.addresses_max, 1)) {
    places_.erase(entries_.back().network);
    entries_.pop_back();
  }
  const auto capacity = static_cast<double>(options_.requests_max);
  const double seconds = std::max(std::chrono::duration<double>(options_.window).count(), 0.001);
  entries_.push_front({network, core::TokenBucket{capacity, capacity / seconds, now}});
  places_.emplace(network, entries_.begin());
  return entries_.front();
}

std::optional<std::uint64_t> RateLimiter::try_pass(const net::Network& network, core::TimePoint now) {
  if (options_.requests_max == 0) return std::nullopt;
  core::TokenBucket& bucket = entry_of(network, now).bucket;
  if (bucket.try_take(now)) return std::nullopt;
  return static_cast<std::uint64_t>(std::max(1.0, std::ceil(bucket.retry_after())));
}

}  // namespace plait::server
