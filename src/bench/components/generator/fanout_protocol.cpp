#include "bench/components/generator/fanout_protocol.hpp"

#include <fmt/core.h>

#include <initializer_list>

namespace plait::bench {

namespace {

constexpr std::string_view kTopic = "fanout";

/// A command in RESP2: an array of bulk strings.
std::string resp_array(std::initializer_list<std::string_view> elements) {
  std::string out = fmt::format("*{}\r\n", elements.size());
  for (const std::string_view element : elements) out += fmt::format("${}\r\n{}\r\n", element.size(), element);
  return out;
}

/// An array whose third and last element is the payload, up to where that begins.
std::string resp_before_payload(std::string_view word, std::size_t payload_bytes) {
  return fmt::format("*3\r\n${}\r\n{}\r\n${}\r\n{}\r\n${}\r\n", word.size(), word, kTopic.size(), kTopic,
                     payload_bytes);
}

FanoutProtocol redis_protocol(std::size_t payload_bytes) {
  return {.publisher = {resp_array({"PING"}) + resp_array({"CLIENT", "REPLY", "OFF"}), "+PONG\r\n"},
          .subscriber = {resp_array({"SUBSCRIBE", kTopic}),
                         fmt::format("*3\r\n$9\r\nsubscribe\r\n${}\r\n{}\r\n:1\r\n", kTopic.size(), kTopic)},
          .publication = {resp_before_payload("PUBLISH", payload_bytes), "\r\n"},
          .delivery = {resp_before_payload("message", payload_bytes), "\r\n"},
          .ping = {},
          .pong = {}};
}

FanoutProtocol nats_protocol(std::size_t payload_bytes) {
  const std::string connect = "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n";
  // The PONG comes behind all that was asked before the PING: the subscription stands then.
  return {.publisher = {connect + "PING\r\n", "PONG\r\n"},
          .subscriber = {connect + fmt::format("SUB {} 1\r\nPING\r\n", kTopic), "PONG\r\n"},
          .publication = {fmt::format("PUB {} {}\r\n", kTopic, payload_bytes), "\r\n"},
          .delivery = {fmt::format("MSG {} 1 {}\r\n", kTopic, payload_bytes), "\r\n"},
          .ping = "PING\r\n",
          .pong = "PONG\r\n"};
}

}  // namespace

FanoutProtocol fanout_protocol(std::string_view scheme, std::size_t payload_bytes) {
  if (scheme == "redis") return redis_protocol(payload_bytes);
  if (scheme == "nats") return nats_protocol(payload_bytes);
  return {};
}

}  // namespace plait::bench
