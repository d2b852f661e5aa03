// Backoff: how long to wait before the next attempt, by a ReconnectPolicy.
#pragma once

#include <plait/client.hpp>

#include <cstdint>
#include <optional>

namespace plait::client {

class Backoff {
 public:
  explicit Backoff(const ReconnectPolicy& policy) : policy_(policy) {}
  /// An attempt has failed: how long to wait for the next; none if that was the last, or if the server refused it with
  /// a status (of HTTP, or 0) that will not be another one by itself.
  [[nodiscard]] std::optional<Duration> fail(int status = 0);
  /// One has succeeded, and its session has ended: how long to wait. The row of failures begins anew.
  [[nodiscard]] Duration lose();

 private:
  [[nodiscard]] Duration next();

  const ReconnectPolicy policy_;
  std::uint32_t failures_ = 0;
  double delay_ns_ = 0;  // of the next attempt; 0: the policy's first
};

}  // namespace plait::client
