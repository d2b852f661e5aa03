// Pages over HTTP/3: requests of H3ServerConnection that open no session.
#include "transport/h3/h3_server_connection.hpp"

#include <plait/log.hpp>

#include "h3/message.hpp"
#include "transport/page.hpp"

namespace plait::transport {
namespace {

constexpr std::size_t kBodiesMax = 8;  // times Limits::body_bytes_max: what all requests of a connection hold

}  // namespace

// A CONNECT waits for the client's SETTINGS, and has the connection's deadline.
void H3ServerConnection::expire_requests(core::TimePoint now) {
  if (!request_deadline_ || *request_deadline_ > now) return;
  request_deadline_.reset();
  std::vector<h3::StreamId> late;
  for (const auto& [id, request] : exchanges_) {
    if (request.is_whole() || request.is_connect()) continue;
    if (request.deadline() <= now) {
      late.push_back(id);
    } else if (!request_deadline_ || request.deadline() < *request_deadline_) {
      request_deadline_ = request.deadline();
    }
  }
  for (const h3::StreamId id : late) refuse(id, 408, "the request took too long");
}

void H3ServerConnection::end_exchange(h3::StreamId id) {
  const auto found = exchanges_.find(id);
  if (found == exchanges_.end()) return;
  content_bytes_ -= found->second.content_bytes();
  std::erase(waiting_, id);
  exchanges_.erase(found);
}

void H3ServerConnection::take_content(h3::StreamId id, ByteView data) {
  h3_.consume(id, data.size());
  const auto found = exchanges_.find(id);
  if (found == exchanges_.end()) return;
  note_activity();
  const std::size_t bytes_max = context().limits.body_bytes_max;
  if (data.size() > kBodiesMax * bytes_max - content_bytes_) {
    return refuse(id, 503, "too many large requests at a time");
  }
  if (!found->second.take(data, bytes_max)) return refuse(id, 413, "the body is larger than this server takes");
  content_bytes_ += data.size();
}

void H3ServerConnection::refuse(h3::StreamId id, int status, const std::string& reason) {
  context().note_refused_request(peer(), status);
  end_exchange(id);
  respond(id, {.status = status, .body = reason + "\n"}, false);
  h3_.stop_sending(id, h3::code::kNoError);  // RFC 9114 §4.1
}

// As over HTTP/1.1, whose connection is not read meanwhile: few bytes ask for much, and the answers of a client that
// takes none are kept whole. What is on its way has a bound of its own (ADR 0023).
void H3ServerConnection::answer_waiting() {
  while (!waiting_.empty() && !has_answers_backlog()) {
    const h3::StreamId id = waiting_.front();
    waiting_.erase(waiting_.begin());
    answer(id);
  }
}

void H3ServerConnection::answer(h3::StreamId id) {
  HttpExchange& request = exchanges_.find(id)->second;  // stays until the response has arrived, what was asked does not
  Peer peer{.address = this->peer(), .secure = true, .certificate = client_certificate()};
  respond(id, request.answer(*service_.router, std::move(peer)), request.wants_head_only());
  content_bytes_ -= request.drop_request();
  tell_when_sent(id);
}

bool H3ServerConnection::has_answers_backlog() const {
  std::size_t unsent = 0;
  for (const auto& [id, request] : exchanges_) {
    unsent += unsent_bytes(id);
    if (unsent > context().limits.send_high_water_bytes) return true;
  }
  return false;
}

void H3ServerConnection::respond(h3::StreamId id, const HttpResponse& response, bool head_only) {
  if (!is_final(response.status)) {
    log(LogLevel::error, "an HTTP handler gave a status that is not allowed");
    return respond(id, {.status = 500, .body = "internal error\n"}, head_only);
  }
  const std::string_view body = body_of(response);
  const std::string length = std::to_string(body.size());
  std::vector<http::Field> fields;
  if (!has_field(response, "content-type")) fields.push_back({"content-type", response.content_type});
  if (!has_field(response, "date")) fields.push_back({"date", context().http_date()});
  if (has_length(response.status)) fields.push_back({"content-length", length});
  for (const auto& [name, value] : response.headers) {
    if (!h3::is_connection_specific(name)) fields.push_back({name, value});  // over HTTP/1.1 they have a meaning
  }
  const bool ends = head_only || body.empty();
  if (!send_head(id, response.status, fields, ends) || ends) return;
  h3_.send_data(id, response.shared_body.empty() ? Bytes::copy_of(body) : response.shared_body, true);
}

// A head that cannot be sent gives the whole stream up: the client would wait for ever.
bool H3ServerConnection::send_head(h3::StreamId id, int status, const std::vector<http::Field>& fields, bool fin) {
  const auto sent = h3_.respond(id, status, fields, fin);
  if (sent) return true;
  if (sent.error() == h3::SendError::field_invalid) {
    log(LogLevel::error, "an HTTP handler gave a header field or a status that is not allowed");
  }
  h3_.reset(id, h3::code::kInternalError);
  h3_.stop_sending(id, h3::code::kInternalError);
  return false;
}

}  // namespace plait::transport
