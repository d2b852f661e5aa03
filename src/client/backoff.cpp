#include "client/backoff.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "core/bounded.hpp"
#include "crypto/random.hpp"

namespace plait::client {
namespace {

// [0, 1)
double chance() {
  std::array<std::uint8_t, 4> random{};
  crypto::random_bytes(random);
  double value = 0;
  for (const std::uint8_t byte : random) value = (value + byte) / 256;
  return value;
}

// RFC 6585 §4, RFC 9110 §15.5.9 and §15.6: too many requests, too slow, or an error of the server's own.
bool may_pass(int status) { return status == 408 || status == 429 || status >= 500; }

}  // namespace

std::optional<Duration> Backoff::fail(int status) {
  ++failures_;
  if (status != 0 && !may_pass(status)) return std::nullopt;
  if (policy_.attempts_max != 0 && failures_ >= policy_.attempts_max) return std::nullopt;
  return next();
}

Duration Backoff::lose() {
  failures_ = 0;
  delay_ns_ = 0;
  return next();
}

Duration Backoff::next() {
  const auto longest = static_cast<double>(core::bounded(policy_.delay_max).count());
  if (delay_ns_ <= 0) delay_ns_ = static_cast<double>(policy_.delay.count());
  const double delay = std::min(delay_ns_, longest);
  delay_ns_ = std::min(delay_ns_ * std::max(policy_.factor, 1.0), longest);
  const double jitter = std::clamp(policy_.jitter, 0.0, 1.0) * chance();
  return Duration{static_cast<Duration::rep>(delay * (1 - jitter))};
}

}  // namespace plait::client
