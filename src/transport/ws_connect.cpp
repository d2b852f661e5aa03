#include "transport/ws_connect.hpp"

#include <plait/log.hpp>

#include <exception>

#include "crypto/hash.hpp"
#include "crypto/random.hpp"
#include "http/request_encoder.hpp"
#include "transport/ws_session.hpp"

namespace plait::transport {
namespace {

// A session that never opened: what on_close gets when the opening handshake fails.
class NoSession final : public Session {
 public:
  SendStatus send(const Message&, SendOptions) override { return SendStatus::closed; }
  MessageWriter* begin_message(MessageKind) override { return nullptr; }
  void close(std::uint16_t, std::string_view) override {}
  void abort() override {}
  void pause() override {}
  void resume() override {}
  [[nodiscard]] std::size_t buffered_bytes() const override { return 0; }
  [[nodiscard]] std::optional<Duration> rtt() const override { return std::nullopt; }
  [[nodiscard]] SessionStats stats() const override { return {}; }
  [[nodiscard]] SessionId id() const override { return {}; }
  [[nodiscard]] std::string peer() const override { return {}; }
  [[nodiscard]] std::string_view subprotocol() const override { return {}; }
};

std::string join(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

}  // namespace

void WsConnect::handle_open() {
  std::array<std::uint8_t, 16> random;
  crypto::random_bytes(random);
  key_ = ws::make_key(random);
  const std::string subprotocols = join(request_.subprotocols);
  const std::string extensions = request_.deflate ? ws::encode_deflate_offer({}) : std::string{};
  std::vector<http::Field> fields{{"Upgrade", "websocket"},
                                  {"Connection", "Upgrade"},
                                  {"Sec-WebSocket-Key", {key_.data(), key_.size()}},
                                  {"Sec-WebSocket-Version", "13"}};
  if (!subprotocols.empty()) fields.push_back({"Sec-WebSocket-Protocol", subprotocols});
  if (!extensions.empty()) fields.push_back({"Sec-WebSocket-Extensions", extensions});
  for (const auto& [name, value] : request_.headers) fields.push_back({name, value});
  const auto encoded = http::encode_request_head(connection().output(),
                                                 {.target = request_.target, .host = request_.host, .fields = fields});
  if (!encoded) return fail("the request cannot be sent: " + std::string{http::describe(encoded.error())});
  connection().write_soon();
}

void WsConnect::handle_bytes(MutableByteView& input) {
  const auto parsed = http::parse_response_head(input, scanned_, connection().context().limits, "GET");
  if (!parsed) return fail("not an HTTP response: " + std::string{http::describe(parsed.error())});
  if (!parsed->has_value()) return;
  const http::ResponseHead& head = **parsed;
  handle_response(head);
  if (!connection().closed()) input = input.subspan(head.head_bytes);
}

void WsConnect::handle_response(const http::ResponseHead& head) {
  ws::HandshakeFields fields;
  for (const http::Field& field : head.fields) fields.add(field.name, field.value);
  if (head.status != 101) {
    return fail("the server refused with HTTP status " + std::to_string(head.status) + " " + std::string{head.reason});
  }
  const auto accept_key = ws::accept_key({key_.data(), key_.size()}, crypto::sha1);
  const auto checked = ws::check_response(head.status, fields, accept_key);
  if (!checked) return fail(ws::describe(checked.error()));
  const auto subprotocol = ws::check_subprotocol(fields.subprotocols, request_.subprotocols);
  if (!subprotocol) return fail(ws::describe(subprotocol.error()));
  const ws::DeflateParameters offered;
  const auto deflate = ws::check_deflate_response(fields.extensions, request_.deflate ? &offered : nullptr);
  if (!deflate) return fail(ws::describe(deflate.error()));

  WsSession::Options options{.role = ws::Role::client, .subprotocol = *subprotocol};
  options.parts = handler_->wants_parts();
  LoopContext& context = connection().context();
  if (deflate->has_value()) options.use_deflate(**deflate, context.limits);
  connection().replace_protocol(std::make_unique<WsSession>(context, std::move(handler_), std::move(options)));
}

void WsConnect::fail(std::string reason) {
  failure_ = std::move(reason);
  connection().abort({.reason = failure_});
}

void WsConnect::handle_deadline(core::TimePoint) { fail("the opening handshake timed out"); }

void WsConnect::handle_closed(const Disconnect& why) {
  if (handler_ == nullptr) return;
  NoSession session;
  try {
    handler_->on_close(session, {.reason = why.text(), .started_by_us = true});
  } catch (const std::exception& exception) {
    log(LogLevel::error, std::string{"a session handler threw: "} + exception.what());
  }
}

}  // namespace plait::transport
