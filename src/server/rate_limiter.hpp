// RateLimiter: a token bucket for each address, in bounded memory. The time is passed in.
#pragma once

#include <plait/middleware.hpp>

#include <cstdint>
#include <list>
#include <optional>
#include <unordered_map>

#include "core/timer.hpp"
#include "core/token_bucket.hpp"
#include "net/address.hpp"

namespace plait::server {

class RateLimiter {
 public:
  explicit RateLimiter(const RateLimitOptions& options) : options_(options) {}

  /// nullopt: it may pass. Else the seconds, at least one, after which the next may.
  std::optional<std::uint64_t> try_pass(const net::Network& network, core::TimePoint now);
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    net::Network network;
    core::TokenBucket bucket;
  };
  struct Hash {
    std::size_t operator()(const net::Network& network) const;
  };
  Entry& entry_of(const net::Network& network, core::TimePoint now);

  const RateLimitOptions options_;  // requests_max is positive where entries are made
  std::list<Entry> entries_;        // the one seen last first
  std::unordered_map<net::Network, std::list<Entry>::iterator, Hash> places_;
};

}  // namespace plait::server
