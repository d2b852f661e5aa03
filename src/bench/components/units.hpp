// Units: every rate with its unit in its name. One document's "MB/s" is another's MiB/s, and "Gbps" is sometimes
// Gibit/s; the factors between them (1.049, 1.074) are as large as the differences that benchmarks argue about.
#pragma once

#include <chrono>
#include <cstdint>

namespace plait::bench {

inline constexpr std::uint64_t kSecond = 1'000'000'000;  ///< as clocks here count: nanoseconds
inline constexpr double kMebibyte = 1024.0 * 1024.0;

/// `bytes` moved in `time`, which must be > 0 for a rate; a zero time gives 0.
struct Rate {
  double bytes_per_second = 0;

  Rate() = default;
  Rate(std::uint64_t bytes, std::chrono::nanoseconds time)
      : bytes_per_second(time.count() > 0 ? static_cast<double>(bytes) * 1e9 / static_cast<double>(time.count()) : 0) {}

  [[nodiscard]] double mebibytes() const { return bytes_per_second / kMebibyte; }  ///< MiB/s, 2^20 bytes
  [[nodiscard]] double megabytes() const { return bytes_per_second / 1e6; }        ///< MB/s, 10^6 bytes
  [[nodiscard]] double gigabits() const { return bytes_per_second * 8 / 1e9; }     ///< Gbit/s, 10^9 bits
};

/// `count` things a second; 0 for a zero time.
inline double per_second(std::uint64_t count, std::chrono::nanoseconds time) {
  return time.count() > 0 ? static_cast<double>(count) * 1e9 / static_cast<double>(time.count()) : 0;
}

inline double milliseconds(std::uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e6; }
inline double microseconds(std::uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e3; }

}  // namespace plait::bench
