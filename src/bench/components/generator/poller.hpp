// Poller: the generator's epoll set, edge-triggered for reading and writing at once, so that no interest ever changes.
#pragma once

#include "bench/components/generator/endpoint.hpp"
#include "bench/components/units.hpp"

#include <plait/result.hpp>

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace plait::bench {

/// A load that has confirmed nothing for so long gives up.
inline constexpr std::uint64_t kStallLimit = 10 * kSecond;

/// Nanoseconds of CLOCK_MONOTONIC.
[[nodiscard]] std::uint64_t now_ns();

class Poller {
 public:
  /// `spin`: wait() never blocks (the process keeps its core busy).
  explicit Poller(bool spin);
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;
  ~Poller();

  void add(int fd, std::uint32_t index);
  /// The indexes with news, after at most `timeout_ns`; valid until the next call.
  std::span<const epoll_event> wait(std::uint64_t timeout_ns);

 private:
  int fd_;
  bool spin_;
  std::array<epoll_event, 256> events_{};
};

/// Opens every endpoint, at most 128 handshakes at a time, and registers endpoint i as index i (from `first` on). The
/// error is the first endpoint's that failed, or a stall of 20 s.
[[nodiscard]] Result<void, Error> open_endpoints(Poller& poller, const EndpointOptions& options,
                                                 std::vector<Endpoint>& endpoints, std::size_t first = 0);

}  // namespace plait::bench
