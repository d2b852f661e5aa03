// Plan: what one run of the load generator does, as the runner spells it on the command line.
#pragma once

#include "bench/url.hpp"

#include <plait/result.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace plait::bench {

enum class LoadMode : std::uint8_t {
  echo,     ///< `connections` × `depth` messages in flight, each answered by itself
  connect,  ///< connect, opening handshake (tcp: one echo), close; `connections` at a time
  fanout,   ///< one publisher, `connections` subscribers, bursts
  idle,     ///< open `connections`, then weigh the server
  stream,   ///< `total_bytes` in messages of `payload_bytes`, one connection; WebTransport: streams of `payload_bytes`,
            ///< `count` a session and `depth` at a time (count 0: one session for the whole time)
  datagram,   ///< WebTransport: one-way datagrams, `burst` a turn of the loop
  handshake,  ///< WebTransport: QUIC handshakes by the raw client, one after another, each closed at its end
  bulk,       ///< WebTransport: one stream of `total_bytes`, after one of a sixteenth of it that is not counted
};

enum class StreamDirection : std::uint8_t { download, upload, concurrent };

/// WebTransport's connect: where the latency of an opening ends.
enum class OpeningStep : std::uint8_t { session, settings, handshake };

struct Plan {
  LoadMode mode = LoadMode::echo;
  Url url;
  std::uint64_t connections = 1;
  std::uint64_t payload_bytes = 93;
  std::uint64_t depth = 1;
  double rate = 0;          ///< open loop: messages a second over all connections; 0 is a closed loop
  std::uint64_t count = 0;  ///< stop after so many messages and skip the warm-up, as the published echo client; 0: by
                            ///< time. WebTransport's connect: at least so many, whatever the time
  double warmup_seconds = 0.2;
  double seconds = 1;
  std::uint64_t burst = 1;        ///< fanout: messages published at once
  std::uint64_t window = 1;       ///< fanout: bursts outstanding
  std::uint64_t total_bytes = 0;  ///< stream: payload bytes each way
  StreamDirection direction = StreamDirection::download;
  OpeningStep until = OpeningStep::session;
  bool verify = false;             ///< compare every byte of every message
  bool deflate = false;            ///< negotiate permessage-deflate and send compressed messages
  bool spin = false;               ///< poll without blocking
  bool touch = false;              ///< idle: echo one message on each connection before weighing
  bool literal = false;            ///< WebTransport: the published steps, a new client for each, the sender's clock
  bool datagrams = false;          ///< WebTransport: echo datagrams instead of streams
  bool resume = false;             ///< WebTransport: use session tickets of earlier sessions
  std::uint64_t packet_bytes = 0;  ///< WebTransport: the generator's UDP payloads are at most so large; 0: the path's
  std::uint64_t delay_ms = 0;      ///< over UDP: so long is the way to the server, and as long the way back
  double loss_percent = 0;         ///< over UDP: of the datagrams of either way: the nth in every run, or in none
  std::uint64_t server_pid = 0;    ///< whose CPU time and memory to account; 0: nobody's
};

/// Between its server and its client is a path of its own.
[[nodiscard]] inline bool has_path(const Plan& plan) { return plan.delay_ms > 0 || plan.loss_percent > 0; }

/// `key=value` words, as to_arguments writes them. Errors name the word; `url` is required.
[[nodiscard]] Result<Plan, Error> parse_plan(std::span<const std::string> arguments);
[[nodiscard]] std::vector<std::string> to_arguments(const Plan& plan);

}  // namespace plait::bench
