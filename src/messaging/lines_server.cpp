// The server's half of publish/subscribe lines: a translator in front of a hub's own session handler, which believes
// that it speaks spec/protocol.md with a session of its own. So everything that the hub does (order, rights, limits,
// fan-out over loops, slow consumers) holds for lines, and what lines publish reaches every other subscriber.
//
// A payload is bytes here and JSON there: text is published as a JSON string, anything else as {"base64": "…"}. The
// other way round a string is delivered as its text, that object as its bytes, and any other value as JSON.
#include <plait/pubsub_lines.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "codec/base64.hpp"
#include "codec/json.hpp"
#include "codec/json_writer.hpp"
#include "codec/utf8.hpp"
#include "core/executor.hpp"
#include "messaging/lines_decoder.hpp"
#include "messaging/open_stream.hpp"

namespace plait {
namespace {

using messaging::append_line;
using messaging::Command;
using messaging::LinesDecoder;

std::string subscription(std::string_view action, std::string_view topic) {
  std::string json;
  codec::JsonWriter writer{json};
  writer.begin_object().member("t", "subscription").key("p").begin_object();
  writer.member("action", action).key("topics").begin_array().value(topic).end_array();
  writer.end_object().end_object();
  return json;
}

std::string publication(std::string_view topic, ByteView payload) {
  std::string json;
  codec::JsonWriter writer{json};
  writer.begin_object().member("t", "publish").key("p").begin_object().member("topic", topic).key("data");
  if (codec::is_utf8(payload)) {
    writer.value(as_text(payload));
  } else {
    writer.begin_object().member("base64", codec::encode_base64(payload)).end_object();
  }
  writer.end_object().end_object();
  return json;
}

void append_gap(std::string& out, std::string_view topic, std::uint64_t count) {
  append_line(out, "GAP", topic, std::to_string(count));
}

/// A payload that the other side may not take would end its stream: it is left out.
void append_message(std::string& out, std::string_view topic, std::string_view payload, std::size_t bytes_max) {
  if (payload.size() > bytes_max) return append_gap(out, topic, 1);
  append_line(out, "MSG", topic, std::to_string(payload.size()));
  out += payload;
}

void append_publication(std::string& out, std::string_view topic, codec::JsonValue payload, std::size_t bytes_max) {
  if (const auto text = payload.as_string()) return append_message(out, topic, *text, bytes_max);
  std::size_t members = 0;
  for ([[maybe_unused]] const codec::JsonMember member : payload.members()) ++members;
  const auto base64 = members == 1 ? payload.find("base64").as_string() : std::nullopt;
  const auto bytes = base64 ? codec::decode_base64(*base64) : std::nullopt;
  append_message(out, topic, bytes ? as_text(*bytes) : payload.raw(), bytes_max);
}

void append_answer(std::string& out, codec::JsonValue answer) {
  if (answer.find("action").as_string() != "subscribe") return;
  for (const codec::JsonValue topic : answer.find("success_topics").elements()) {
    append_line(out, "SUB-OK", topic.as_string().value_or(""));
  }
  for (const codec::JsonValue failed : answer.find("failed_topics").elements()) {
    append_line(out, "SUB-FAIL", failed.find("topic").as_string().value_or(""),
                failed.find("error").as_string().value_or("refused"));
  }
}

/// The hub refuses everything for a while. It tells so once, and of no topic.
struct RateLimit {
  std::string reason;
  std::optional<Duration> retry_after;  ///< none: it takes nothing any more
};

std::optional<RateLimit> rate_limit_of(codec::JsonValue error) {
  constexpr double kSecondsMax = 1e6;
  if (error.find("code").as_string() != "RATE_LIMITED") return std::nullopt;
  RateLimit limit{std::string{error.find("message").as_string().value_or("refused")}, std::nullopt};
  const std::chrono::duration<double> wait{std::min(error.find("retry_after").as_double().value_or(0), kSecondsMax)};
  if (wait.count() > 0) limit.retry_after = std::max(std::chrono::duration_cast<Duration>(wait), Duration{1});
  return limit;
}

struct Translation {
  std::string lines;  ///< empty if they have no word for it
  std::optional<RateLimit> rate_limit;
};

/// Of a message of the hub.
Translation translate(std::string_view json, std::size_t payload_bytes_max) {
  thread_local codec::JsonParser parser{SIZE_MAX};  // the hub's own
  const auto message = parser.parse(json);
  Translation out;
  if (!message) return out;
  const auto type = message->find("t").as_string();
  const codec::JsonValue payload = message->find("p");
  if (type == "publication") {
    append_publication(out.lines, message->find("tp").as_string().value_or(""), payload, payload_bytes_max);
  } else if (type == "subscription_update") {
    append_answer(out.lines, payload);
  } else if (type == "gap") {
    append_gap(out.lines, payload.find("topic").as_string().value_or(""),
               payload.find("missed").as_uint64().value_or(1));
  } else if (type == "error") {
    out.rate_limit = rate_limit_of(payload);
  }
  parser.shrink();
  return out;
}

/// One stream of lines, and the session that the hub sees in its place.
class LinesStream final : public StreamHandler, private Session {
 public:
  LinesStream(Stream& stream, std::unique_ptr<SessionHandler> hub, const LinesOptions& options)
      : stream_(stream),
        hub_(std::move(hub)),
        payload_bytes_max_(options.message_bytes_max),
        decoder_(options.message_bytes_max) {
    hub_->on_open(*this);
  }

  // StreamHandler
  [[nodiscard]] bool consumes() const override { return true; }
  void on_data(Stream&, ByteView data, bool fin) override {
    ended_ = ended_ || fin;
    waiting_ += as_text(waiting_.empty() && !paused_ ? read(data) : data);
  }
  void on_writable(Stream&) override { hub_->on_writable(*this); }
  void on_close(Stream&) override {
    over_ = true;
    hub_->on_close(*this, {});
  }

 private:
  // Session, for the hub
  SendStatus send(const Message& message, SendOptions) override {
    if (over_) return SendStatus::closed;
    Translation told = translate(message.text(), payload_bytes_max_);
    if (told.rate_limit) {
      refusal_ = std::move(told.rate_limit->reason);
      const auto wait = told.rate_limit->retry_after;
      refused_until_ = wait ? executor().now() + *wait : core::TimePoint::max();
    }
    return told.lines.empty() ? SendStatus::sent : stream_.write(as_bytes(told.lines));
  }
  MessageWriter* begin_message(MessageKind) override { return nullptr; }
  void close(std::uint32_t code, std::string_view) override { give_up(code); }
  void abort() override { give_up(messaging::kGivenUpCode); }
  void pause() override { paused_ = true; }
  void resume() override {
    paused_ = false;
    std::string waiting = std::exchange(waiting_, {});
    const ByteView rest = read(as_bytes(waiting).subspan(std::exchange(waiting_offset_, 0)));
    // The hub may pause after each command: what is left stays there until half of it is used, so that no byte is
    // copied more than a few times.
    if (rest.size() <= waiting.size() / 2) {
      waiting_ = as_text(rest);
    } else {
      waiting_offset_ = waiting.size() - rest.size();
      waiting_ = std::move(waiting);
    }
  }
  [[nodiscard]] std::size_t buffered_bytes() const override { return stream_.buffered_bytes(); }
  [[nodiscard]] std::optional<Duration> rtt() const override { return stream_.session().rtt(); }
  [[nodiscard]] SessionStats stats() const override { return stream_.session().stats(); }
  [[nodiscard]] SessionId id() const override { return stream_.session().id(); }
  [[nodiscard]] core::Executor& executor() override { return stream_.session().executor(); }
  [[nodiscard]] std::string peer() const override { return stream_.session().peer(); }
  [[nodiscard]] std::string_view subprotocol() const override { return stream_.session().subprotocol(); }

  // Returns what the hub cannot take now. It waits, at most the stream's credit: it is not consumed before it is read.
  ByteView read(ByteView data) {
    Command command;
    const std::size_t size = data.size();
    auto status = LinesDecoder::Status::command;
    while (!over_ && !paused_ && status == LinesDecoder::Status::command) {
      status = decoder_.next(data, command);
      if (status == LinesDecoder::Status::command) handle(command);
    }
    if (over_) return {};
    const ByteView rest = paused_ ? data : ByteView{};
    stream_.consume(size - rest.size());
    const bool broken = status != LinesDecoder::Status::command && status != LinesDecoder::Status::need_more;
    if (broken) {
      give_up(messaging::kGivenUpCode);
      return {};
    }
    if (ended_ && !paused_) stream_.write(ByteView{}, true);
    return rest;
  }

  void handle(const Command& command) {
    switch (command.verb) {
      case messaging::Verb::subscribe:
        return subscribe(command.topic);
      case messaging::Verb::unsubscribe:
        return tell(subscription("unsubscribe", command.topic));
      case messaging::Verb::publish:
        return tell(publication(command.topic, command.payload));
      default:
        return;  // a server's
    }
  }
  // Answers here what the hub does not answer by its topic: what it could not read, and what comes too fast.
  void subscribe(std::string_view topic) {
    if (!codec::is_utf8(as_bytes(topic))) return refuse(topic, "not a valid topic");
    tell(subscription("subscribe", topic));
    if (!over_ && executor().now() < refused_until_) refuse(topic, refusal_);
  }
  void refuse(std::string_view topic, std::string_view reason) {
    std::string line;
    append_line(line, "SUB-FAIL", topic, reason);
    stream_.write(as_bytes(line));
  }
  void tell(const std::string& json) { hub_->on_message(*this, Message::text(json)); }

  void give_up(std::uint32_t code) {
    if (std::exchange(over_, true)) return;
    stream_.stop(code);
    stream_.reset(code);
  }

  Stream& stream_;
  std::unique_ptr<SessionHandler> hub_;
  const std::size_t payload_bytes_max_;
  LinesDecoder decoder_;
  bool over_ = false;                // nothing is read or written any more
  bool ended_ = false;               // the client has finished
  bool paused_ = false;              // by the hub
  std::string waiting_;              // what came meanwhile, empty or with something that is not read
  std::size_t waiting_offset_ = 0;   // of that, in it
  core::TimePoint refused_until_{};  // the hub takes nothing before, and this is why
  std::string refusal_;
};

/// A session whose first bidirectional stream speaks lines.
class LinesHandler final : public SessionHandler {
 public:
  LinesHandler(std::unique_ptr<SessionHandler> hub, const LinesOptions& options)
      : hub_(std::move(hub)), options_(options) {}

  void on_request(OpeningRequest& request) override { hub_->on_request(request); }
  [[nodiscard]] bool wants_streams() const override { return true; }
  std::unique_ptr<StreamHandler> on_stream(Session&, Stream& stream) override {
    if (hub_ == nullptr || stream.direction() != StreamDirection::bidirectional) return nullptr;
    return std::make_unique<LinesStream>(stream, std::move(hub_), options_);
  }

 private:
  std::unique_ptr<SessionHandler> hub_;  // until the stream has it
  LinesOptions options_;
};

}  // namespace

HandlerFactory lines_handler(HandlerFactory hub, const LinesOptions& options) {
  return [hub = std::move(hub), options]() -> std::unique_ptr<SessionHandler> {
    auto inner = hub();
    if (inner == nullptr) return nullptr;  // as of every factory: the opening is refused
    return std::make_unique<LinesHandler>(std::move(inner), options);
  };
}

}  // namespace plait
