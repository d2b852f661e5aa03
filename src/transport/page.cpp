#include "transport/page.hpp"

#include <algorithm>

#include "core/guard.hpp"
#include "http/grammar.hpp"
#include "transport/middleware_chain.hpp"

namespace plait::transport {

HttpResponse PageRequest::answer() {
  if (router_.middleware.empty()) return call_handler();
  MiddlewareChain chain{router_};
  auto refusal = chain.ask(*this);
  HttpResponse response = refusal ? std::move(*refusal) : call_handler();
  chain.tell(*this, response);
  return response;
}

HttpResponse PageRequest::call_handler() {
  if (match_.session != nullptr) {
    return {.status = 405,
            .body = "this path is for sessions: connect with WebTransport or WebSocket\n",
            .headers = {{"Allow", "CONNECT"}}};
  }
  if (match_.http == nullptr) return {.status = 404, .body = "not found\n"};
  HttpResponse response{.status = 500, .body = "internal error\n"};
  const auto thrower = [this] {
    return core::Thrower{"the handler of " + std::string{path().substr(0, 256)}, "", peer()};
  };
  core::guarded(thrower, [&] { response = (*match_.http)(*this); });
  return response;
}

bool PageRequest::is_origin_allowed() const {
  const std::string_view origin = header("origin");
  return router_.allows_origin(origin.empty() ? std::nullopt : std::optional{origin}, header("host"), secure());
}

bool has_field(const HttpResponse& response, std::string_view name) {
  return std::ranges::any_of(response.headers,
                             [name](const auto& field) { return http::equals_ignoring_case(field.first, name); });
}

}  // namespace plait::transport
