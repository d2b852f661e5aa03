// Pages over HTTP/3: requests of H3Connection that open no session.
#include "transport/h3_connection.hpp"

#include <plait/log.hpp>

namespace plait::transport {

void H3Connection::take_content(h3::StreamId id, ByteView data) {
  h3_.consume(id, data.size());
  const auto found = exchanges_.find(id);
  if (found == exchanges_.end() || found->second.take(data, context().limits.body_bytes_max)) return;
  respond(id, {.status = 413, .body = "the body is larger than this server takes\n"}, false);
  h3_.stop_sending(id, h3::code::kNoError);  // RFC 9114 §4.1
  exchanges_.erase(found);
}

void H3Connection::answer(h3::StreamId id) {
  const auto found = exchanges_.find(id);
  if (found == exchanges_.end() || service_.router == nullptr) return;
  const HttpExchange& request = found->second;  // stays until the response has arrived
  respond(id, request.answer(*service_.router, peer()), request.wants_head_only());
}

void H3Connection::respond(h3::StreamId id, const HttpResponse& response, bool head_only) {
  const std::string length = std::to_string(response.body.size());
  std::vector<http::Field> fields{
      {"content-type", response.content_type}, {"content-length", length}, {"date", context().http_date()}};
  for (const auto& [name, value] : response.headers) fields.push_back({name, value});
  const bool ends = head_only || response.body.empty();
  const auto sent = h3_.respond(id, response.status, fields, ends);
  if (!sent && sent.error() == h3::SendError::field_invalid) {
    log(LogLevel::error, "an HTTP handler gave a header field that is not allowed");
    return h3_.reset(id, h3::code::kInternalError);
  }
  if (sent && !ends) h3_.send_data(id, Bytes::copy_of(response.body), true);
}

}  // namespace plait::transport
