#include "wire/requests.hpp"

#include <charconv>
#include <map>

namespace plait::wire {
namespace {

using codec::JsonKind;
using codec::JsonValue;

std::optional<std::uint32_t> read_epoch(JsonValue value) {
  const auto text = value.as_string();
  if (!text || text->size() != 8) return std::nullopt;
  std::uint32_t epoch = 0;
  const char* end = text->data() + text->size();
  const auto result = std::from_chars(text->data(), end, epoch, 16);
  if (result.ec != std::errc{} || result.ptr != end) return std::nullopt;
  return epoch;
}

// Nothing if the client names no position.
Result<std::optional<Position>, Error> read_position(JsonValue value) {
  if (value.is_null()) return std::optional<Position>{};
  const auto epoch = read_epoch(value.find("epoch"));
  const auto offset = value.find("offset").as_uint64();
  if (!epoch || !offset) return err(Error::recovery_invalid);
  return std::optional{Position{*epoch, *offset}};
}

using Positions = std::map<std::string_view, Result<std::optional<Position>, Error>>;

// Where the client stood. Each member is read once, however often its topic is named; a position that is none matters
// only if its topic is named. A map rather than a hash: the client chooses the names.
Result<Positions, Error> read_positions(JsonValue recovery) {
  Positions positions;
  if (recovery && recovery.kind() != JsonKind::object) return err(Error::recovery_invalid);
  std::size_t count = 0;
  for (const codec::JsonMember topic : recovery.members()) {
    if (++count > kRequestTopicsMax) return err(Error::recovery_invalid);
    positions.insert_or_assign(topic.name, read_position(topic.value));
  }
  return positions;
}

std::optional<SubscriptionRequest::Action> read_action(JsonValue payload) {
  const auto action = payload.find("action").as_string();
  if (action == "subscribe") return SubscriptionRequest::Action::subscribe;
  if (action == "unsubscribe") return SubscriptionRequest::Action::unsubscribe;
  return std::nullopt;
}

}  // namespace

Result<SubscriptionRequest, Error> decode_subscription(JsonValue payload) {
  SubscriptionRequest request;
  const auto action = read_action(payload);
  if (!action) return err(Error::action_invalid);
  request.action = *action;
  const bool recover = payload.find("recover").as_bool().value_or(false);
  const auto positions = read_positions(recover ? payload.find("recovery") : JsonValue{});
  if (!positions) return err(positions.error());
  for (const JsonValue value : payload.find("topics").elements()) {
    const auto name = value.as_string();
    if (!name || request.topics.size() == kRequestTopicsMax) return err(Error::topics_invalid);
    const auto position = positions->find(*name);
    if (position == positions->end()) {
      request.topics.push_back({*name, {}});
      continue;
    }
    if (!position->second) return err(position->second.error());
    request.topics.push_back({*name, *position->second});
  }
  if (request.topics.empty()) return err(Error::topics_invalid);
  return request;
}

Result<PublishRequest, Error> decode_publish(JsonValue payload) {
  const auto topic = payload.find("topic").as_string();
  const JsonValue data = payload.find("data");
  if (!topic || !data) return err(Error::publication_invalid);
  return PublishRequest{*topic, data.raw()};
}

Pong decode_ping(JsonValue payload) {
  constexpr std::size_t kNumberBytesMax = 32;
  const JsonValue timestamp = payload.find("timestamp");
  if (timestamp.kind() != JsonKind::number || timestamp.raw().size() > kNumberBytesMax) return {};
  return {timestamp.raw(), timestamp.as_double()};
}

}  // namespace plait::wire
