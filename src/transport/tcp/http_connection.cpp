#include "transport/tcp/http_connection.hpp"

#include <plait/log.hpp>

#include <algorithm>
#include <cstdint>

#include "http/response.hpp"
#include "transport/page.hpp"

namespace plait::transport {
namespace {

/// Who takes less of the responses from one deadline to the next, and not all, could hold them for hours.
constexpr std::size_t kDeliveredBytesMin = std::size_t{64} << 10;

class ReceivedRequest final : public PageRequest {
 public:
  ReceivedRequest(const Router& router, RouteMatch match, Peer peer, const http::RequestHead& head, ByteView body)
      : PageRequest(router, std::move(match), std::move(peer)), head_(head), body_(as_text(body)) {}

  [[nodiscard]] std::string_view method() const override { return head_.method; }
  [[nodiscard]] std::string_view path() const override { return head_.path; }
  [[nodiscard]] std::string_view query() const override { return head_.query; }
  [[nodiscard]] std::string_view header(std::string_view name) const override {
    return head_.fields.find(name).value_or(std::string_view{});
  }
  [[nodiscard]] std::string_view body() const override { return body_; }

 private:
  const http::RequestHead& head_;
  const std::string_view body_;
};

}  // namespace

// The head is copied, because its views must last until the body is there.
struct HttpConnection::PendingBody {
  PendingBody(ByteView head_bytes, const http::BodyFraming& framing, std::size_t body_bytes_max)
      : head_text(as_text(head_bytes)), decoder(framing, body_bytes_max) {}
  std::string head_text;
  http::BodyDecoder decoder;
  std::vector<std::uint8_t> bytes;
};

HttpConnection::HttpConnection(const Router& router) : router_(router) {}
HttpConnection::~HttpConnection() = default;

void HttpConnection::handle_open() {
  handshake_.enter(connection());
  if (connection().closed()) return;
  expect_request();
  set_deadline(connection().context().limits.handshake_timeout);
}

void HttpConnection::expect_request() {
  scanned_ = 0;
  head_begun_ = false;
  head_only_ = false;
}

// What the peer has to have taken some of when the time is over.
void HttpConnection::begin_delivery(Duration timeout) {
  undelivered_bytes_ = connection().undelivered_bytes();
  set_deadline(timeout);
}

void HttpConnection::set_deadline(Duration timeout) {
  connection().set_deadline(connection().context().loop.now() + timeout);
}

// RFC 9112 §9.6: nothing behind the last request is one, be it the rest of a body that was refused.
void HttpConnection::handle_bytes(MutableByteView& input) {
  while (!connection().finishing() && !connection().input_stopped() && &connection().protocol() == this &&
         !input.empty()) {
    begin_request();
    if (!(body_ == nullptr ? handle_request(input) : handle_body(input))) return;
    if (connection().backlog_bytes() > connection().context().limits.send_high_water_bytes) connection().flush();
    if (connection().closed()) return;
  }
}

// The time for the first request runs since the connection was accepted.
void HttpConnection::begin_request() {
  if (head_begun_) return;
  head_begun_ = true;
  if (!has_responded_) return;
  handshake_.leave();  // nor is it idle
  set_deadline(connection().context().limits.handshake_timeout);
}

// False: more bytes are needed, or no more will be handled.
bool HttpConnection::handle_request(MutableByteView& input) {
  auto parsed = http::parse_request_head(input, scanned_, connection().context().limits);
  if (!parsed) {
    refuse(http::status_of(parsed.error()), http::describe(parsed.error()));
    return false;
  }
  if (!parsed->has_value()) return false;
  const http::RequestHead& head = **parsed;
  const ByteView head_bytes = input.first(head.head_bytes);
  input = input.subspan(head.head_bytes);
  scanned_ = 0;
  head_only_ = head.method == "HEAD";
  if (head.needs_tls && !connection().secure()) {
    refuse(421, "an https: resource is served under TLS only");
    return false;
  }
  if (head.body.kind == http::BodyFraming::Kind::none) {
    answer(head, head_bytes, {});
  } else {
    begin_body(head, head_bytes);
  }
  return !connection().closed();
}

void HttpConnection::begin_body(const http::RequestHead& head, ByteView head_bytes) {
  const std::size_t max = connection().context().limits.body_bytes_max;
  if (head.body.kind == http::BodyFraming::Kind::length && head.body.length > max) {
    return refuse(413, "the body is larger than this server takes");
  }
  body_ = std::make_unique<PendingBody>(head_bytes, head.body, max);
  if (!head.expects_continue) return;
  connection().output().append(as_bytes("HTTP/1.1 100 Continue\r\n\r\n"));
  connection().write_soon();
}

bool HttpConnection::handle_body(MutableByteView& input) {
  ByteView rest = input;
  auto chunk = body_->decoder.decode(rest);
  input = input.last(rest.size());
  if (!chunk) {
    refuse(http::status_of(chunk.error()), http::describe(chunk.error()));
    return false;
  }
  body_->bytes.insert(body_->bytes.end(), chunk->data.begin(), chunk->data.end());
  if (!chunk->done) return !chunk->data.empty();
  const std::unique_ptr<PendingBody> body = std::move(body_);
  std::size_t scanned = 0;
  const auto head = http::parse_request_head(as_bytes(body->head_text), scanned, connection().context().limits);
  answer(**head, as_bytes(body->head_text), body->bytes);
  return !connection().closed();
}

void HttpConnection::answer(const http::RequestHead& head, ByteView head_bytes, ByteView body) {
  minor_version_ = head.minor_version;
  connection().context().counters.http_requests.add();
  RouteMatch match = router_.find(head.path);
  if (match.session != nullptr) return upgrade(head, head_bytes, std::move(match));
  Peer peer{.address = connection().peer(),
            .secure = connection().secure(),
            .certificate = connection().client_certificate()};
  const HttpResponse response = ReceivedRequest{router_, std::move(match), std::move(peer), head, body}.answer();
  respond(response, keeps_alive(head.keep_alive, response));
}

// Who has met an internal error begins anew. A handler may end the connection, too (RFC 9112 §9.6).
bool HttpConnection::keeps_alive(bool wanted, const HttpResponse& response) const {
  http::Fields fields;
  for (const auto& [name, value] : response.headers) fields.add(name, value);
  return wanted && !draining_ && response.status != 500 && !fields.has_token("Connection", "close");
}

// --- Opening handshake -----------------------------------------------------------------------------------------------

void HttpConnection::upgrade(const http::RequestHead& head, ByteView head_bytes, RouteMatch match) {
  if (draining_) {
    connection().context().note_refused_opening(connection().peer(), "-", 503);
    return respond_last(503, "the server is shutting down");
  }
  upgrade_ = std::make_unique<WsUpgrade>(connection(), router_, *this, head, head_bytes);
  upgrade_->run(std::move(match));
  if (!upgrade_->is_deferred()) return finish_upgrade();
  handshake_.enter(connection());
  if (connection().closed()) return;
  connection().set_paused(true);
  set_deadline(connection().context().limits.handshake_timeout);
}

void HttpConnection::finish_opening(Opening&) {
  connection().set_paused(false);
  if (connection().closed()) return;  // it could not be watched again
  finish_upgrade();
}

void HttpConnection::finish_upgrade() {
  const std::unique_ptr<WsUpgrade> upgrade = std::move(upgrade_);
  if (upgrade->is_accepted()) {
    handshake_.leave();
    return connection().replace_protocol(upgrade->make_session());
  }
  const HttpResponse& refusal = upgrade->refusal();
  respond(refusal, keeps_alive(upgrade->keep_alive(), refusal));
}

void HttpConnection::respond(const HttpResponse& response, bool keep_alive) {
  std::vector<http::Field> fields;
  if (!has_field(response, "Content-Type")) fields.push_back({"Content-Type", response.content_type});
  for (const auto& [name, value] : response.headers) fields.push_back({name, value});
  if (!router_.alternative_service.empty()) fields.push_back({"Alt-Svc", router_.alternative_service});
  const std::string_view body = body_of(response);
  http::BodyFraming framing;
  if (has_length(response.status)) framing = {.kind = http::BodyFraming::Kind::length, .length = body.size()};
  const bool has_date = has_field(response, "Date");
  OutputQueue& output = connection().output();
  if (!is_final(response.status) ||
      !http::encode_response_head(output,
                                  {.status = response.status,
                                   .fields = fields,
                                   .body = framing,
                                   .keep_alive = keep_alive,
                                   .request_minor_version = minor_version_,
                                   .date = has_date ? std::string_view{} : connection().context().http_date()})) {
    log(LogLevel::error, "an HTTP handler gave a header field or a status that is not allowed");
    return respond_last(500, "internal error");
  }
  if (!head_only_) append_body(response);
  if (!keep_alive) return finish();
  connection().write_soon();
  handshake_.enter_idle(connection());
  has_responded_ = true;
  expect_request();
  begin_delivery(connection().context().limits.keep_alive_timeout);
}

// A client may ask for the same hundreds of times in one segment, and take nothing.
void HttpConnection::append_body(const HttpResponse& response) {
  OutputQueue& output = connection().output();
  const ByteView body = as_bytes(body_of(response));
  const bool shared = !response.shared_body.empty() && !body.empty() && connection().gathers_references();
  shared ? output.append_shared(*response.shared_body.block(), body) : output.append(body);
}

void HttpConnection::refuse(int status, std::string_view reason) {
  connection().context().counters.http_requests.add();
  connection().context().note_refused_request(connection().peer(), status);
  respond_last(status, reason);
}

void HttpConnection::respond_last(int status, std::string_view reason) {
  respond({.status = status, .body = std::string{reason} + "\n"}, false);
}

void HttpConnection::finish() {
  connection().finish();
  begin_delivery(connection().context().limits.close_timeout);
}

// A client may end its direction after its last request: what was asked has been answered, but perhaps not written.
void HttpConnection::handle_end() { finish(); }

// A response may take any time, as long as its reader takes enough of it from one deadline to the next.
bool HttpConnection::delivers(core::TimePoint now) {
  const std::size_t bytes = connection().undelivered_bytes();
  const std::size_t delivered_bytes = undelivered_bytes_ - std::min(bytes, undelivered_bytes_);
  if (bytes == 0 || delivered_bytes < std::min(kDeliveredBytesMin, undelivered_bytes_)) return false;
  undelivered_bytes_ = bytes;
  const Limits& limits = connection().context().limits;
  connection().set_deadline(now + (connection().finishing() ? limits.close_timeout : limits.keep_alive_timeout));
  return true;
}

void HttpConnection::handle_deadline(core::TimePoint now) {
  if (upgrade_ != nullptr) return upgrade_->give_up(503, "the server did not answer in time");
  const bool idle = !head_begun_ && body_ == nullptr;
  // What is undelivered before the first response is TLS's, whose handshake has its time and no more.
  if ((connection().finishing() || (idle && has_responded_)) && delivers(now)) return;
  if (idle && has_responded_ && !connection().finishing() && connection().undelivered_bytes() == 0) return finish();
  if (connection().finishing() || idle || connection().input_stopped()) return connection().abort();
  refuse(408, "the request took too long");
}

void HttpConnection::handle_drain() {
  draining_ = true;
  if (upgrade_ != nullptr) return upgrade_->give_up(503, "the server is shutting down");
  if (connection().finishing() || head_begun_ || body_ != nullptr) return;
  if (has_responded_) return finish();  // under TLS with a word; and the client may still be reading the last response
  connection().abort();
}

void HttpConnection::handle_closed(const Disconnect&) {
  upgrade_.reset();
  handshake_.leave();
}

}  // namespace plait::transport
