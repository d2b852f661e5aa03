#include "wire/encode.hpp"

#include <algorithm>

#include "codec/json_writer.hpp"
#include "wire/stamp.hpp"

namespace plait::wire {
namespace {

using codec::JsonWriter;

constexpr int kProtocolVersion = 1;

// {"c":"WSE","t":"type","p":{ … },"id":…,"ts":…,"cid":…,"v":1}: begins with the constructor, ends with finish().
class ControlMessage {
 public:
  ControlMessage(std::string& out, const Head& head, std::string_view type) : out_(out), head_(head), json_(out) {
    out_ += head.form == Form::prefix ? "WSE{\"t\":\"" : "{\"c\":\"WSE\",\"t\":\"";
    out_ += type;
    out_ += "\",\"p\":";
    json_.begin_object();
  }

  JsonWriter& payload() { return json_; }

  void finish() {
    json_.end_object();
    out_ += ",\"id\":\"";
    append_id(out_, head_.id);
    out_ += "\",\"ts\":\"";
    append_time(out_, head_.time);
    out_ += '"';
    if (!head_.cid.empty()) {
      out_ += ",\"cid\":";
      codec::append_json_string(out_, head_.cid);
    }
    out_ += ",\"v\":1}";
  }

 private:
  std::string& out_;
  const Head& head_;
  JsonWriter json_;
};

std::int64_t milliseconds(WallTime time) { return time.time_since_epoch().count(); }

std::string text_of(WallTime time) {
  std::string text;
  append_time(text, time);
  return text;
}

// WSE's clients look for these names; only what is true is offered.
void append_features(JsonWriter& json, std::string_view name, const Features& features) {
  json.key(name).begin_object();
  for (const char* absent : {"compression", "encryption", "batching", "priority_queue", "circuit_breaker"}) {
    json.member(absent, false);
  }
  json.member("recovery", features.recovery).end_object();
}

void append_position(JsonWriter& json, const Position& position) {
  std::string epoch;
  append_epoch(epoch, position.epoch);
  json.member("epoch", epoch).member("offset", position.offset);
}

// An array of the topics that `selects` picks.
template <class Selects>
void append_topics(JsonWriter& json, std::string_view name, const std::vector<TopicResult>& results, Selects selects) {
  json.key(name).begin_array();
  for (const TopicResult& result : results) {
    if (selects(result)) json.value(result.topic);
  }
  json.end_array();
}

void append_failed_topics(JsonWriter& json, const std::vector<TopicResult>& results) {
  json.key("failed_topics").begin_array();
  for (const TopicResult& result : results) {
    if (!result.error) continue;
    json.begin_object().member("topic", result.topic).member("error", result.reason);
    json.member("code", name_of(*result.error)).end_object();
  }
  json.end_array();
}

void append_recovery(JsonWriter& json, const std::vector<TopicResult>& results) {
  json.key("recovery").begin_object();
  for (const TopicResult& result : results) {
    if (!result.position) continue;
    json.key(result.topic).begin_object();
    append_position(json, *result.position);
    if (result.recover) json.member("recovered", result.recovered).member("count", result.replayed);
    json.end_object();
  }
  json.end_object();
}

}  // namespace

void encode(std::string& out, const Head& head, const ServerReady& message) {
  ControlMessage control{out, head, "server_ready"};
  JsonWriter& json = control.payload();
  json.member("message", "ready").key("details").begin_object();
  json.member("version", message.version);
  append_features(json, "features", message.features);
  json.member("connection_id", message.connection_id).member("server_time", text_of(head.time));
  json.member("user_id", message.user_id).end_object();
  control.finish();
}

void encode(std::string& out, const Head& head, const ServerHello& message) {
  ControlMessage control{out, head, "server_hello"};
  JsonWriter& json = control.payload();
  json.member("server_version", message.version).member("protocol_version", kProtocolVersion);
  append_features(json, "features", message.features);
  append_features(json, "supported_features", message.features);  // the name before 2.0
  json.key("limits").begin_object();
  json.member("max_message_size", message.message_bytes_max).member("max_subscriptions", message.subscriptions_max);
  json.member("rate_limit_capacity", message.rate_limit_capacity);
  json.member("rate_limit_refill", message.rate_limit_refill).end_object();
  json.member("server_time", text_of(head.time)).member("connection_id", message.connection_id);
  json.member("message", "hello");
  control.finish();
}

void encode(std::string& out, const Head& head, const Pong& message) {
  ControlMessage control{out, head, "PONG"};
  JsonWriter& json = control.payload();
  if (!message.client_timestamp.empty()) json.key("client_timestamp").raw(message.client_timestamp);
  json.member("server_timestamp", milliseconds(head.time));
  if (message.client_time) {
    json.member("latency", std::max(0.0, static_cast<double>(milliseconds(head.time)) - *message.client_time));
  }
  control.finish();
}

void encode(std::string& out, const Head& head, const ErrorMessage& message) {
  ControlMessage control{out, head, "error"};
  JsonWriter& json = control.payload();
  json.member("code", name_of(message.code)).member("message", message.message);
  json.member("recoverable", message.recoverable);
  if (message.retry_after) json.member("retry_after", *message.retry_after);
  control.finish();
}

void encode(std::string& out, const Head& head, const SubscriptionUpdate& message) {
  const auto succeeded = [](const TopicResult& result) { return !result.error; };
  bool success = true;
  for (const TopicResult& result : message.results) success = success && succeeded(result);

  ControlMessage control{out, head, "subscription_update"};
  JsonWriter& json = control.payload();
  json.member("action", message.subscribe ? "subscribe" : "unsubscribe").member("success", success);
  json.member("message", success ? "done" : "some topics failed");
  append_topics(json, "topics", message.results, succeeded);
  append_topics(json, "success_topics", message.results, succeeded);
  append_failed_topics(json, message.results);
  append_topics(json, "already_subscribed", message.results, [](const auto& r) { return r.already_subscribed; });
  json.key("subscription_limits").begin_object().member("max_topics", message.subscriptions_max);
  json.member("current_topics", message.subscription_count).end_object();
  if (message.subscribe) append_recovery(json, message.results);
  json.member("timestamp", text_of(head.time));
  control.finish();
}

void encode(std::string& out, const Head& head, const Published& message) {
  ControlMessage control{out, head, "published"};
  append_position(control.payload().member("topic", message.topic), message.position);
  control.finish();
}

void encode(std::string& out, const Head& head, const GapNotice& message) {
  ControlMessage control{out, head, "gap"};
  JsonWriter& json = control.payload().member("topic", message.topic);
  if (message.position) append_position(json, *message.position);
  json.member("missed", message.missed);
  control.finish();
}

void encode(std::string& out, Form form, const Publication& publication) {
  out += form == Form::prefix ? "U{\"tp\":" : "{\"tp\":";
  codec::append_json_string(out, publication.topic.text());
  out += ",\"e\":\"";
  append_epoch(out, publication.position.epoch);
  out += "\",\"o\":";
  out += std::to_string(publication.position.offset);
  out += form == Form::prefix ? ",\"t\":\"publication\",\"p\":" : ",\"c\":\"U\",\"t\":\"publication\",\"p\":";
  out += publication.payload.text();
  out += ",\"id\":\"";
  append_id(out, publication.id);
  out += "\",\"ts\":\"";
  append_time(out, publication.time);
  out += '"';
  if (publication.priority != Priority::normal) {
    out += ",\"pri\":" + std::to_string(static_cast<int>(publication.priority));
  }
  out += ",\"v\":1}";
}

}  // namespace plait::wire
