// Payloads of what clients ask for (spec/protocol.md §4). All views live as long as the envelope's payload.
#pragma once

#include <plait/broker.hpp>
#include <plait/result.hpp>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "codec/json.hpp"
#include "wire/encode.hpp"
#include "wire/envelope.hpp"
#include "wire/error.hpp"

namespace plait::wire {

inline constexpr std::size_t kRequestTopicsMax = 1000;

struct SubscriptionRequest {
  enum class Action : std::uint8_t { subscribe, unsubscribe };
  struct Topic {
    std::string_view name;
    std::optional<Position> since;  ///< recover what came after it
  };
  Action action = Action::subscribe;
  std::vector<Topic> topics;
};

struct PublishRequest {
  std::string_view topic;
  std::string_view data;  ///< JSON as it stood in the message
};

/// Errors: action_invalid, topics_invalid, recovery_invalid.
Result<SubscriptionRequest, Error> decode_subscription(codec::JsonValue payload);
/// Errors: publication_invalid.
Result<PublishRequest, Error> decode_publish(codec::JsonValue payload);
/// What a ping wants back. Never fails: a timestamp that is no number is not sent back.
Pong decode_ping(codec::JsonValue payload);

}  // namespace plait::wire
