#include "fake.hpp"

#include <algorithm>
#include <charconv>

#include "wire/stamp.hpp"

namespace plait::hub::test {

Received parse(std::string_view text) {
  Received received;
  received.text = text;
  codec::JsonParser parser;
  const auto message = parser.parse(text.substr(text.find('{')));
  if (!message) return received;
  const auto string = [](codec::JsonValue value) { return std::string{value.as_string().value_or("")}; };
  received.type = string(message->find("t"));
  received.data = message->find("p").raw();
  received.cid = string(message->find("cid"));
  received.topic = string(message->find("tp"));
  const std::string epoch = string(message->find("e"));
  std::from_chars(epoch.data(), epoch.data() + epoch.size(), received.position.epoch, 16);
  received.position.offset = message->find("o").as_uint64().value_or(0);
  return received;
}

SendStatus FakeSession::send(const Message& message, SendOptions) {
  if (on_send) on_send();
  if (close_code != 0) return SendStatus::closed;
  if (room == 0) return SendStatus::dropped;
  --room;
  raw.emplace_back(message.text());
  blocks.push_back(message.block());
  if (keeps_shared && message.block() != nullptr) kept.push_back(Bytes::share(*message.block(), message.data()));
  return backlogged ? SendStatus::queued : SendStatus::sent;
}

void FakeSession::close(std::uint32_t code, std::string_view reason) {
  close_code = code;
  close_reason = reason;
}

std::vector<Received> FakeSession::take() {
  std::vector<Received> messages;
  for (const std::string& text : std::exchange(raw, {})) messages.push_back(parse(text));
  blocks.clear();
  return messages;
}

FakeClient::FakeClient(Engine& engine, std::uint32_t loop) : session(loop), handler_(engine) {
  handler_.on_open(session);
}

FakeClient::~FakeClient() { close(); }

void FakeClient::close() {
  if (std::exchange(open_, false)) handler_.on_close(session, {});
}

void FakeClient::subscribe(std::string_view topic, std::string_view cid) {
  send(R"({"t":"subscription","p":{"action":"subscribe","topics":[")" + std::string{topic} + R"("]},"cid":")" +
       std::string{cid} + R"("})");
}

void FakeClient::recover(std::string_view topic, const Position& since, std::string_view cid) {
  std::string epoch;
  wire::append_epoch(epoch, since.epoch);
  const std::string name{topic};
  send(R"({"t":"subscription","p":{"action":"subscribe","topics":[")" + name + R"("],"recover":true,"recovery":{")" +
       name + R"(":{"epoch":")" + epoch + R"(","offset":)" + std::to_string(since.offset) + R"(}}},"cid":")" +
       std::string{cid} + R"("})");
}

void FakeClient::unsubscribe(std::string_view topic) {
  send(R"({"t":"subscription","p":{"action":"unsubscribe","topics":[")" + std::string{topic} + R"("]}})");
}

void FakeClient::publish(std::string_view topic, std::string_view json, std::string_view cid) {
  send(R"({"t":"publish","p":{"topic":")" + std::string{topic} + R"(","data":)" + std::string{json} + R"(},"cid":")" +
       std::string{cid} + R"("})");
}

HubOptions test_options() {
  HubOptions options;
  options.wall_clock = [] { return WallTime{std::chrono::milliseconds{1'771'728'600'123}}; };
  options.random = [count = std::uint8_t{0}](MutableByteView bytes) mutable {
    std::fill(bytes.begin(), bytes.end(), ++count);
  };
  return options;
}

FakeHub::FakeHub(std::size_t loops, HubOptions options) : engine(std::make_unique<Engine>(std::move(options))) {
  std::vector<core::Executor*> executors;
  for (std::size_t i = 0; i < loops; ++i) {
    executors_.push_back(std::make_unique<FakeExecutor>());
    executors.push_back(executors_.back().get());
  }
  engine->attach(executors);
}

FakeHub::~FakeHub() = default;

std::unique_ptr<FakeClient> FakeHub::connect(std::uint32_t loop) {
  auto client = std::make_unique<FakeClient>(*engine, loop);
  client->session.take();  // server_ready
  return client;
}

void FakeHub::settle() {
  for (bool busy = true; busy;) {
    busy = false;
    for (const auto& executor : executors_) busy = executor->run_posted() || busy;
  }
}

void FakeHub::advance(core::TimePoint::duration time) {
  for (const auto& executor : executors_) executor->advance(time);
  settle();
}

std::string FakeHub::topic_at(std::uint32_t loop, std::string_view prefix) const {
  for (int i = 0;; ++i) {
    std::string topic = std::string{prefix} + std::to_string(i);
    if (engine->home_of(topic) == loop) return topic;
  }
}

std::string publications(const std::vector<Received>& messages) {
  std::string joined;
  for (const Received& message : messages) {
    if (message.type == "publication") joined += message.data;
  }
  return joined;
}

std::string types(const std::vector<Received>& messages) {
  std::string joined;
  for (const Received& message : messages) joined += (joined.empty() ? "" : " ") + message.type;
  return joined;
}

}  // namespace plait::hub::test
