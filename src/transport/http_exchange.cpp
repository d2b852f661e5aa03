#include "transport/http_exchange.hpp"

#include <plait/log.hpp>

#include <exception>

#include "http/fields.hpp"

namespace plait::transport {
namespace {

HttpResponse answer_exception(const char* what) {
  log(LogLevel::error, std::string{"a handler of an HTTP request threw: "} + what);
  return {.status = 500, .body = "internal error\n"};
}

}  // namespace

HttpExchange::HttpExchange(const h3::RequestHead& head) : method_(head.method), protocol_(head.protocol) {
  const std::size_t question = head.path.find('?');
  path_ = head.path.substr(0, question);
  if (question != std::string_view::npos) query_ = head.path.substr(question + 1);
  for (const http::Field& field : head.fields) fields_.emplace_back(field.name, field.value);
  if (!head.authority.empty()) fields_.emplace_back("host", head.authority);
}

bool HttpExchange::take(ByteView content, std::size_t bytes_max) {
  if (content.size() > bytes_max - content_.size()) return false;
  content_ += as_text(content);
  return true;
}

std::optional<std::string_view> HttpExchange::field(std::string_view name) const {
  for (const auto& [own, value] : fields_) {
    if (http::equals_ignoring_case(own, name)) return value;
  }
  return std::nullopt;
}

HttpResponse HttpExchange::answer(const Router& router, const std::string& peer) const {
  if (router.find_session(path_) != nullptr) {
    return {.status = 405, .body = "this path is for sessions: connect with WebTransport or WebSocket\n"};
  }
  const HttpHandler* handler = router.find_http(path_);
  if (handler == nullptr) return {.status = 404, .body = "not found\n"};
  try {
    return (*handler)({.method = method_,
                       .path = path_,
                       .query = query_,
                       .body = content_,
                       .header = [this](std::string_view name) { return field(name).value_or(std::string_view{}); },
                       .peer = peer});
  } catch (const std::exception& exception) {
    return answer_exception(exception.what());
  } catch (...) {
    return answer_exception("something that is not a std::exception");
  }
}

}  // namespace plait::transport
