#include "messaging/monitor_rules.hpp"

#include <algorithm>
#include <chrono>

namespace plait::messaging {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kAttemptsMin = 10;
constexpr std::uint64_t kPacketsMin = 100;
constexpr std::size_t kBufferedBytesMax = std::size_t{1} << 20;

std::string milliseconds(Duration duration) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count()) + " ms";
}

/// Less than nine tenths.
bool too_few(std::uint64_t good, std::uint64_t all) { return all > kAttemptsMin && good < all - all / 10; }

std::string share(std::uint64_t good, std::uint64_t all) {
  return std::to_string(good * 100 / all) + " % of " + std::to_string(all);
}

Verdict degraded(std::string reason) { return {Health::degraded, std::move(reason)}; }

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

Verdict judge(const ServerSample& now, const ServerSample* oldest) {
  const ServerStats before = oldest == nullptr ? ServerStats{} : oldest->stats;
  const std::uint64_t accepted = now.stats.connections_accepted - before.connections_accepted;
  const std::uint64_t all = accepted + now.stats.connections_refused - before.connections_refused;
  if (now.late > 1s) return {Health::unhealthy, "the loop was held up for " + milliseconds(now.late)};
  if (too_few(accepted, all)) return degraded("accepted " + share(accepted, all) + " connections");
  return {now.stats.connections_open == 0 ? Health::idle : Health::healthy};
}

Verdict judge(const SessionSample& now, const SessionSample* before) {
  const SessionStats past = before == nullptr ? SessionStats{} : before->stats;
  const std::uint64_t packets = now.stats.packets_sent - past.packets_sent;
  const std::uint64_t lost = now.stats.packets_lost - std::min(past.packets_lost, now.stats.packets_lost);
  if (now.stats.messages_dropped > past.messages_dropped) {
    return degraded("dropped " + std::to_string(now.stats.messages_dropped - past.messages_dropped) + " messages");
  }
  if (packets >= kPacketsMin && lost > packets / 10) return degraded("lost " + share(lost, packets) + " packets");
  if (now.rtt && *now.rtt > 1s) return degraded("a round trip takes " + milliseconds(*now.rtt));
  if (now.buffered_bytes > kBufferedBytesMax) {
    return degraded(std::to_string(now.buffered_bytes) + " bytes wait for the peer");
  }
  const bool moved = now.stats.bytes_sent != past.bytes_sent || now.stats.bytes_received != past.bytes_received ||
                     now.stats.messages_sent != past.messages_sent ||
                     now.stats.messages_received != past.messages_received;
  return {moved ? Health::healthy : Health::idle};
}

Verdict judge(const ClientSample& now) {
  const ConnectStats& stats = now.stats;
  const std::uint64_t ended = stats.opened + stats.failed;
  if (too_few(stats.opened, ended)) return degraded("opened " + share(stats.opened, ended) + " sessions");
  if (stats.opened > 0 && stats.connect_time_total > 5s * static_cast<std::int64_t>(stats.opened)) {
    const auto average = stats.connect_time_total / static_cast<std::int64_t>(stats.opened);
    return degraded("connecting takes " + milliseconds(average) + " on average");
  }
  return {stats.attempts == 0 ? Health::idle : Health::healthy};
}

}  // namespace plait::messaging

bool plait::is_same_reason(std::string_view one, std::string_view other) {
  const auto words_of = [](std::string_view reason) {
    std::string words{reason};
    std::erase_if(words, messaging::is_digit);
    return words;
  };
  return words_of(one) == words_of(other);
}
