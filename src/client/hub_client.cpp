#include "client/hub_client.hpp"

#include <plait/hub.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

#include "codec/json.hpp"
#include "codec/json_writer.hpp"
#include "core/bounded.hpp"
#include "http/uri.hpp"

namespace plait::client {
namespace {

using codec::JsonValue;
using Clock = std::chrono::steady_clock;

constexpr int kForbidden = 403;

Duration time_left(Clock::time_point deadline) { return std::max<Duration>(deadline - Clock::now(), Duration::zero()); }

std::string text_of(JsonValue value) { return std::string{value.as_string().value_or(std::string_view{})}; }

std::string with_path(std::string_view url) {
  auto uri = http::parse_uri(url);
  if (!uri || uri->path != "/") return std::string{url};
  uri->path = kHubPath;
  return to_string(*uri);
}

/// Eight hexadecimal digits (spec/protocol.md §2).
bool is_epoch(std::string_view text) {
  constexpr std::size_t kDigits = 8;
  return text.size() == kDigits && text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

Error error_of(JsonValue payload) { return {text_of(payload.find("code")) + ": " + text_of(payload.find("message"))}; }

std::optional<Duration> retry_after_of(JsonValue payload) {
  constexpr double kSecondsMax = 1e6;
  if (payload.find("code").as_string() != "RATE_LIMITED") return std::nullopt;
  const double seconds = std::min(payload.find("retry_after").as_double().value_or(0), kSecondsMax);
  if (seconds <= 0) return std::nullopt;
  return std::chrono::ceil<Duration>(std::chrono::duration<double>{seconds});
}

Error refused_topics(JsonValue payload) {
  std::string list;
  for (const JsonValue failed : payload.find("failed_topics").elements()) {
    list += (list.empty() ? "" : ", ") + text_of(failed.find("topic")) + " (" + text_of(failed.find("error")) + ")";
  }
  return {.message = "the hub refused the subscription: " + list, .status = kForbidden};
}

}  // namespace

HubClient::HubClient(BlockingClient session)
    : session_(std::move(session)), parser_(std::make_unique<codec::JsonParser>()) {}
HubClient::HubClient(HubClient&&) noexcept = default;
HubClient& HubClient::operator=(HubClient&&) noexcept = default;
HubClient::~HubClient() = default;

Result<HubClient, Error> HubClient::connect(std::string_view url, const ConnectOptions& options) {
  auto session = BlockingClient::connect(with_path(url), options);
  if (!session) return err(session.error());
  HubClient client{std::move(*session)};
  if (auto ready = client.wait_for_answer("server_ready", options.timeout); !ready) return err(ready.error());
  return client;
}

Result<void, Error> HubClient::subscribe(const std::vector<std::string>& topics, Duration timeout) {
  named_.insert(topics.begin(), topics.end());
  const auto answer = ask("subscription_update", subscription_payload(topics), "subscription_update", timeout);
  if (!answer) return err(answer.error());
  const JsonValue payload = answer->find("p");
  if (!payload.find("success").as_bool().value_or(false)) return err(refused_topics(payload));
  note_recovery(payload.find("recovery"));
  if (resumed_) note_patterns(topics);
  return {};
}

Result<HubClient::Position, Error> HubClient::publish(std::string_view topic, std::string_view json, Duration timeout) {
  std::string payload;
  codec::JsonWriter{payload}.begin_object().member("topic", topic).key("data").raw(json).end_object();
  const auto answer = ask("publish", payload, "published", timeout);
  if (!answer) return err(answer.error());
  const JsonValue position = answer->find("p");
  const auto offset = position.find("offset").as_uint64();
  std::string epoch = text_of(position.find("epoch"));
  if (!offset || !is_epoch(epoch)) return err(Error{"the hub's answer has no position"});
  return Position{std::move(epoch), *offset};
}

Result<std::optional<HubClient::Received>, Error> HubClient::receive(Duration timeout) {
  const Clock::time_point deadline = Clock::now() + core::bounded(timeout);
  while (received_.empty()) {
    auto message = next(time_left(deadline));
    if (!message) return err(message.error());
    if (!message->has_value()) return std::optional<Received>{};
    keep(**message);
  }
  Received first = std::move(received_.front());
  received_.pop_front();
  return std::optional{std::move(first)};
}

std::string HubClient::subscription_payload(const std::vector<std::string>& topics) const {
  std::string payload;
  codec::JsonWriter json{payload};
  json.begin_object().member("action", "subscribe").key("topics").begin_array();
  for (const std::string& topic : topics) json.value(topic);
  json.end_array();
  if (!positions_.empty()) {
    json.member("recover", true).key("recovery").begin_object();
    for (const std::string& topic : topics) {  // not what its patterns match: that cannot be recovered
      const auto position = positions_.find(topic);
      if (position == positions_.end()) continue;
      json.key(topic).begin_object().member("epoch", position->second.epoch);
      json.member("offset", position->second.offset).end_object();
    }
    json.end_object();
  }
  json.end_object();
  return payload;
}

Result<JsonValue, Error> HubClient::ask(std::string_view type, std::string_view payload, std::string_view answer_type,
                                        Duration timeout) {
  const Clock::time_point deadline = Clock::now() + core::bounded(timeout);
  retry_after_.reset();
  std::string message;
  codec::JsonWriter json{message};
  json.begin_object().member("t", type).key("p").raw(payload);
  json.member("cid", std::to_string(++requests_)).member("v", 1).end_object();
  if (auto sent = session_.send(Message::text(message), timeout); !sent) return err(sent.error());
  return wait_for_answer(answer_type, time_left(deadline));
}

Result<std::optional<JsonValue>, Error> HubClient::next(Duration timeout) {
  auto message = session_.receive(timeout);
  if (!message) return err(message.error());
  if (!message->has_value()) return std::optional<JsonValue>{};
  text_ = (*message)->data.text();
  auto parsed = parser_->parse(text_);
  if (!parsed) return err(Error{"the server sent what is no JSON: is it a hub?"});
  return std::optional{*parsed};
}

Result<JsonValue, Error> HubClient::wait_for_answer(std::string_view type, Duration timeout) {
  const Clock::time_point deadline = Clock::now() + core::bounded(timeout);
  while (true) {
    auto message = next(time_left(deadline));
    if (!message) return err(message.error());
    if (!message->has_value()) return err(Error{"the hub did not answer in time (" + std::string{type} + ")"});
    const auto received = (*message)->find("t").as_string();
    if (received == type) return **message;
    if (received == "error") {
      retry_after_ = retry_after_of((*message)->find("p"));
      return err(error_of((*message)->find("p")));
    }
    keep(**message);
  }
}

void HubClient::keep(const JsonValue& message) {
  const auto type = message.find("t").as_string();
  const JsonValue payload = message.find("p");
  if (type == "gap") {
    received_.push_back({{}, Gap{text_of(payload.find("topic")), payload.find("missed").as_uint64()}});
  } else if (type == "publication") {
    const std::string topic = text_of(message.find("tp"));
    note_position(topic, {text_of(message.find("e")), message.find("o").as_uint64().value_or(0)});
    received_.push_back({Publication{topic, std::string{payload.raw()}, text_}, {}});
  }
}

void HubClient::note_position(const std::string& topic, Position position) {
  if (named_.contains(topic)) positions_[topic] = std::move(position);
}

// Patterns cannot be recovered (spec/protocol.md §4.3): whether anything was missed, nobody knows.
void HubClient::note_patterns(const std::vector<std::string>& topics) {
  for (const std::string& topic : topics) {
    if (topic.find_first_of("*?") != std::string::npos) received_.push_back({{}, Gap{topic, {}}});
  }
}

void HubClient::note_recovery(const JsonValue& recovery) {
  for (const codec::JsonMember topic : recovery.members()) {
    const std::string name{topic.name};
    if (topic.value.find("recovered").as_bool() == false) received_.push_back({{}, Gap{name, {}}});
    // What was replayed is still to come, and each replayed publication brings its own position.
    if (topic.value.find("count").as_uint64().value_or(0) > 0) continue;
    note_position(name, {text_of(topic.value.find("epoch")), topic.value.find("offset").as_uint64().value_or(0)});
  }
}

}  // namespace plait::client
