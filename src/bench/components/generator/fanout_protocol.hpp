// FanoutProtocol: how publisher and subscribers of the fan-out load speak, as bytes around the payloads.
//
// WebSocket servers are fanned out by what connects to /fanout; two message brokers have a protocol of their own: Redis
// (RESP2, https://redis.io/docs/reference/protocol-spec/) and NATS (https://docs.nats.io/reference/reference-protocols/
// nats-protocol). Both are measured at their best: no answer to a publication (CLIENT REPLY OFF, verbose false).
#pragma once

#include "bench/components/generator/endpoint.hpp"
#include "bench/components/generator/frames.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace plait::bench {

struct FanoutProtocol {
  Hello publisher;
  Hello subscriber;      ///< its answer says that the subscription stands
  Envelope publication;  ///< around each payload as the publisher sends it
  Envelope delivery;     ///< around it as a subscriber gets it
  std::string ping;      ///< what the broker may ask of any connection between two messages; empty: nothing
  std::string pong;      ///< the answer to that
};

/// For the scheme redis or nats, and payloads of this length. All of it is empty for other schemes: WebSocket has its
/// own opening handshake and frames, and the connection is the subscription.
[[nodiscard]] FanoutProtocol fanout_protocol(std::string_view scheme, std::size_t payload_bytes);

}  // namespace plait::bench
