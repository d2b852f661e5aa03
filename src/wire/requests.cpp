#include "wire/requests.hpp"

#include <charconv>

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

// Where the client stood in `topic`; nothing if it names no position for it.
Result<std::optional<Position>, Error> read_position(JsonValue recovery, std::string_view topic) {
  const JsonValue value = recovery.find(topic);
  if (!value || value.is_null()) return std::optional<Position>{};
  const auto epoch = read_epoch(value.find("epoch"));
  const auto offset = value.find("offset").as_uint64();
  if (!epoch || !offset) return err(Error::recovery_invalid);
  return std::optional{Position{*epoch, *offset}};
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
  const JsonValue recovery = recover ? payload.find("recovery") : JsonValue{};
  if (recovery && recovery.kind() != JsonKind::object) return err(Error::recovery_invalid);
  for (const JsonValue value : payload.find("topics").elements()) {
    const auto name = value.as_string();
    if (!name || request.topics.size() == kRequestTopicsMax) return err(Error::topics_invalid);
    const auto since = read_position(recovery, *name);
    if (!since) return err(since.error());
    request.topics.push_back({*name, *since});
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
