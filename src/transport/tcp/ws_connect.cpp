#include "transport/tcp/ws_connect.hpp"

#include <algorithm>
#include <cerrno>

#include "crypto/hash.hpp"
#include "crypto/random.hpp"
#include "http/fields.hpp"
#include "http/request_encoder.hpp"
#include "transport/no_session.hpp"
#include "transport/refusal.hpp"
#include "transport/tcp/ws_session.hpp"

namespace plait::transport {
namespace {

// A TLS record of type alert (RFC 8446 §5.1): what TLS servers answer to a request in the clear.
bool is_tls_alert(ByteView input) { return input.size() >= 2 && input[0] == 0x15 && input[1] == 0x03; }

constexpr const char* kPerhapsTls = "if that is a TLS port, connect with wss:";

}  // namespace

void WsConnect::handle_open() {
  std::array<std::uint8_t, 16> random;
  crypto::random_bytes(random);
  key_ = ws::make_key(random);
  const std::string subprotocols = http::encode_list(request_.subprotocols);
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
  answered_ = true;
  if (!connection().secure() && is_tls_alert(input))
    return fail(std::string{"the server answers with TLS: "} + kPerhapsTls);
  const Limits& limits = connection().context().limits;
  for (;;) {
    const auto parsed = http::parse_response_head(input, scanned_, limits, "GET");
    if (!parsed) return fail("not an HTTP response: " + std::string{http::describe(parsed.error())});
    if (!parsed->has_value()) return;
    const http::ResponseHead& head = **parsed;
    if (head.status >= 200) return handle_refusal(head, input.subspan(head.head_bytes));
    if (head.status == 101) {
      handle_response(head);
      if (!connection().closed()) input = input.subspan(head.head_bytes);
      return;
    }
    // RFC 9110 §15.2: others may come before the final response; all together they are bounded as one.
    if (head.head_bytes > limits.header_bytes_max - interim_bytes_) return fail("too many interim responses");
    interim_bytes_ += head.head_bytes;
    input = input.subspan(head.head_bytes);
    scanned_ = 0;
  }
}

void WsConnect::handle_response(const http::ResponseHead& head) {
  ws::HandshakeFields fields;
  for (const http::Field& field : head.fields) fields.add(field.name, field.value);
  const auto accept_key = ws::accept_key({key_.data(), key_.size()}, crypto::sha1);
  const auto checked = ws::check_response(head.status, fields, accept_key);
  if (!checked) return fail(ws::describe(checked.error()));
  const auto subprotocol = ws::check_subprotocol(fields.subprotocols, request_.subprotocols);
  if (!subprotocol) return fail(ws::describe(subprotocol.error()));
  const ws::DeflateParameters offered;
  const auto deflate = ws::check_deflate_response(fields.extensions, request_.deflate ? &offered : nullptr);
  if (!deflate) return fail(ws::describe(deflate.error()));

  WsSession::Options options{.role = ws::Role::client, .subprotocol = *subprotocol};
  options.parts = request_.parts;
  LoopContext& context = connection().context();
  if (deflate->has_value()) options.use_deflate(**deflate, context.limits);
  connection().replace_protocol(std::make_unique<WsSession>(context, std::move(handler_), std::move(options)));
}

// The beginning of a text is waited for; what comes meanwhile stays in the input.
void WsConnect::handle_refusal(const http::ResponseHead& head, ByteView body) {
  const bool waiting = status_ != 0;
  status_ = head.status;
  failure_ = describe_refusal(status_, {});
  const bool is_text = head.fields.find("Content-Type").value_or("").starts_with("text/plain");
  if (!is_text || head.body.kind != http::BodyFraming::Kind::length) return fail(failure_);
  const auto wanted = std::min<std::uint64_t>(head.body.length, kExplanationBytesMax);
  if (body.size() < wanted) {
    if (!waiting) connection().set_deadline(connection().context().loop.now() + kExplanationWait);
    return;
  }
  fail(describe_refusal(status_, as_text(body.first(static_cast<std::size_t>(wanted)))));
}

void WsConnect::fail(std::string reason) {
  failure_ = std::move(reason);
  connection().abort({.reason = failure_, .status = status_});
}

void WsConnect::handle_deadline(core::TimePoint) {
  fail(failure_.empty() ? "the opening handshake timed out" : failure_);
}

void WsConnect::handle_closed(const Disconnect& why) {
  if (handler_ == nullptr) return;
  std::string reason = failure_.empty() ? why.text() : failure_;
  const bool ended = why.reason.empty() || why.system_errno == ECONNRESET || why.system_errno == EPIPE;
  if (failure_.empty() && ended && !answered_) {
    reason += " without an answer; ";
    if (!connection().secure()) reason += std::string{kPerhapsTls} + ", ";
    reason += connection().secure() ? "the server is full, perhaps" : "or the server is full";
  }
  tell_not_opened(*handler_, {.reason = reason, .status = status_}, connection().context().loop, connection().id());
}

}  // namespace plait::transport
