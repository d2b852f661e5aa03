#include "transport/page.hpp"

#include <plait/log.hpp>

#include <exception>

namespace plait::transport {
namespace {

HttpResponse answer_exception(const char* what) {
  log(LogLevel::error, std::string{"a handler of an HTTP request threw: "} + what);
  return {.status = 500, .body = "internal error\n"};
}

HttpResponse call(const HttpHandler& handler, const HttpRequest& request) {
  try {
    return handler(request);
  } catch (const std::exception& exception) {
    return answer_exception(exception.what());
  } catch (...) {
    return answer_exception("something that is not a std::exception");
  }
}

}  // namespace

HttpResponse answer_page(const RouteMatch& match, const HttpRequest& request) {
  if (match.session != nullptr) {
    return {.status = 405, .body = "this path is for sessions: connect with WebTransport or WebSocket\n"};
  }
  if (match.http == nullptr) return {.status = 404, .body = "not found\n"};
  return call(*match.http, request);
}

}  // namespace plait::transport
