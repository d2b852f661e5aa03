// DelayedPath: a UDP relay on loopback between a client and a server, so that what a round trip or a lost packet costs
// can be seen: it holds every datagram for a while, and loses some of them: the nth of each way in every run, or in
// none.
//
// It is a thread of the generator's process and so in its CPU time: a path that is too slow for what goes through it
// makes a row generator-bound. It has no rate and no queue that overflows, unlike a network.
#pragma once

#include "bench/components/bulk/udp_pipe.hpp"

#include <plait/result.hpp>

#include <netinet/in.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <thread>
#include <vector>

namespace plait::bench {

class DelayedPath {
 public:
  struct Settings {
    std::uint64_t delay_ms = 0;  ///< each way
    double loss_percent = 0;     ///< each way
  };

  /// To 127.0.0.1:`server_port`, until the object is gone.
  static Result<std::unique_ptr<DelayedPath>, Error> start(std::uint16_t server_port, const Settings& settings);
  DelayedPath(const DelayedPath&) = delete;
  DelayedPath& operator=(const DelayedPath&) = delete;
  ~DelayedPath();

  /// Where the client sends to, on 127.0.0.1.
  [[nodiscard]] std::uint16_t port() const;

 private:
  struct Held {
    std::uint64_t due;
    sockaddr_in to;
    std::size_t segment_bytes;
    std::vector<std::uint8_t> bytes;
  };

  DelayedPath(UdpPipe udp, std::uint16_t server_port, const Settings& settings);
  void run();
  void hold(const UdpPipe::Batch& batch, std::uint64_t now);
  void send_due(std::uint64_t now);

  UdpPipe udp_;
  sockaddr_in server_;
  sockaddr_in client_{};  // whoever has sent last
  std::uint64_t delay_;
  double loss_;
  std::array<std::mt19937_64, 2> random_;  // of either way, with the same seed in every run
  std::deque<Held> held_;                  // in the order in which they are due
  std::atomic<bool> ends_ = false;
  std::thread thread_;
};

}  // namespace plait::bench
