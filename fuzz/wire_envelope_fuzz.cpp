// Whatever a client sends: what is decoded lies inside the limits, means the same in the other form, with white space
// behind it and written again from its parts, and nothing once it is cut short. It is answered with JSON, and a
// publication's data passes through the server unchanged.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "codec/json.hpp"
#include "codec/json_writer.hpp"
#include "wire/encode.hpp"
#include "wire/envelope.hpp"
#include "wire/requests.hpp"

namespace {

using namespace plait;

void require(bool condition) {
  if (!condition) std::abort();
}

void require_json(std::string_view text) {
  static codec::JsonParser parser;
  require(parser.parse(text.substr(text.find('{'))).has_value());
}

void require_decodes_to(std::string_view text, const wire::Envelope& expected, wire::Form form) {
  static wire::EnvelopeDecoder decoder;
  const auto envelope = decoder.decode(text);
  require(envelope.has_value() && envelope->form == form);
  require(envelope->type == expected.type && envelope->cid == expected.cid);
  require(envelope->priority == expected.priority && envelope->payload.kind() == expected.payload.kind());
  if (expected.payload) require(envelope->payload.raw() == expected.payload.raw());
}

std::string_view number_of(Priority priority) {
  switch (priority) {
    case Priority::background:
      return "1";
    case Priority::low:
      return "3";
    case Priority::normal:
      return "5";
    case Priority::high:
      return "8";
    case Priority::critical:
      return "10";
  }
  std::abort();
}

std::string written(const wire::Envelope& envelope) {
  std::string out;
  codec::JsonWriter json{out};
  json.begin_object().member("t", envelope.type).member("cid", envelope.cid);
  json.key("pri").raw(number_of(envelope.priority));
  if (envelope.payload) json.key("p").raw(envelope.payload.raw());
  json.end_object();
  return out;
}

void check_forms(std::string_view text, const wire::Envelope& envelope) {
  const std::string object{text.substr(text.find('{'))};
  require_decodes_to(object, envelope, wire::Form::member);
  for (const char* prefix : {"WSE", "S", "U"}) {
    require_decodes_to(prefix + object + "\r\n\t ", envelope, wire::Form::prefix);
  }
  require_decodes_to(written(envelope), envelope, wire::Form::member);
  static wire::EnvelopeDecoder decoder;
  require(!decoder.decode(std::string_view{object}.substr(0, object.rfind('}'))));
}

void check_publish(const wire::Envelope& envelope) {
  const auto request = wire::decode_publish(envelope.payload);
  if (!request) return;
  Publication publication;
  publication.topic = Bytes::copy_of(request->topic);
  publication.payload = Bytes::copy_of(request->data);
  std::string out;
  wire::encode(out, envelope.form, publication);
  static codec::JsonParser parser;
  const auto parsed = parser.parse(std::string_view{out}.substr(out.find('{')));
  if (!parsed) return require(parsed.error() == codec::JsonError::too_deep);  // the envelope may be the level too many
  require(parsed->find("tp").as_string() == request->topic);
  require(parsed->find("p").raw() == request->data);
}

std::string written(const wire::SubscriptionRequest& request) {
  std::string out;
  codec::JsonWriter json{out};
  const bool subscribe = request.action == wire::SubscriptionRequest::Action::subscribe;
  json.begin_object().member("action", subscribe ? "subscribe" : "unsubscribe").key("topics").begin_array();
  for (const auto& topic : request.topics) json.value(topic.name);
  json.end_array().member("recover", true).key("recovery").begin_object();
  for (const auto& topic : request.topics) {
    if (!topic.since) continue;
    char epoch[9];
    std::snprintf(epoch, sizeof epoch, "%08x", static_cast<unsigned>(topic.since->epoch));
    json.key(topic.name).begin_object().member("epoch", epoch).member("offset", topic.since->offset).end_object();
  }
  json.end_object().end_object();
  return out;
}

void require_round_trip(const wire::SubscriptionRequest& request) {
  static codec::JsonParser parser;
  const std::string text = written(request);
  const auto payload = parser.parse(text);
  require(payload.has_value());
  const auto again = wire::decode_subscription(*payload);
  require(again.has_value() && again->action == request.action);
  const auto same = [](const auto& a, const auto& b) { return a.name == b.name && a.since == b.since; };
  require(std::ranges::equal(again->topics, request.topics, same));
}

void check_subscription(const wire::Envelope& envelope) {
  const auto request = wire::decode_subscription(envelope.payload);
  if (!request) return;
  require(!request->topics.empty() && request->topics.size() <= wire::kRequestTopicsMax);
  require_round_trip(*request);
  std::vector<wire::TopicResult> results;
  for (const auto& topic : request->topics) {
    wire::TopicResult result;
    result.topic = topic.name;
    result.position = topic.since;
    results.push_back(result);
  }
  std::string out;
  wire::encode(out, {envelope.form, {}, {}, envelope.cid}, wire::SubscriptionUpdate{true, results, 100, 1});
  require_json(out);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static wire::EnvelopeDecoder decoder;
  const std::string_view text = as_text({data, size});
  const auto envelope = decoder.decode(text);
  if (!envelope) {
    require(!wire::name_of(envelope.error()).empty());
    return 0;
  }
  require(!envelope->type.empty() && envelope->type.size() <= wire::kTypeBytesMax);
  require(envelope->cid.size() <= wire::kCidBytesMax);
  check_forms(text, *envelope);
  std::string out;
  wire::encode(out, {envelope->form, {}, {}, envelope->cid}, wire::decode_ping(envelope->payload));
  require_json(out);
  check_publish(*envelope);
  check_subscription(*envelope);
  return 0;
}
