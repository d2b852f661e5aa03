#include "transport/page.hpp"

#include "core/guard.hpp"
#include "transport/middleware_chain.hpp"

namespace plait::transport {

HttpResponse PageRequest::answer() const {
  if (router_.middleware.empty()) return call_handler();
  MiddlewareChain chain{router_};
  auto refusal = chain.ask(*this);
  HttpResponse response = refusal ? std::move(*refusal) : call_handler();
  chain.tell(*this, response);
  return response;
}

HttpResponse PageRequest::call_handler() const {
  if (match_.session != nullptr) {
    return {.status = 405, .body = "this path is for sessions: connect with WebTransport or WebSocket\n"};
  }
  if (match_.http == nullptr) return {.status = 404, .body = "not found\n"};
  HttpResponse response{.status = 500, .body = "internal error\n"};
  core::guarded("a handler of an HTTP request", [&] { response = (*match_.http)(*this); });
  return response;
}

bool PageRequest::is_origin_allowed() const {
  const std::string_view origin = header("origin");
  return router_.allows_origin(origin.empty() ? std::nullopt : std::optional{origin}, header("host"), secure());
}

}  // namespace plait::transport
