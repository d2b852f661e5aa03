// Answers to requests that open no session, the same over HTTP/1.1 and HTTP/3.
#pragma once

#include <plait/server.hpp>

#include <optional>

#include "transport/router.hpp"

namespace plait::transport {

/// Who asks for a page, beside the request.
struct PagePeer {
  bool secure = false;
  std::optional<ClientCertificate> certificate{};
};

/// What the middleware says, the handler's response, or a refusal: 404, 405 for the path of a session, 500 for an
/// exception. `match` is that of the request's path.
[[nodiscard]] HttpResponse answer_page(const Router& router, const RouteMatch& match, const HttpRequest& request,
                                       const PagePeer& peer);

/// False: a final response with `status` has no body, whatever its handler gave (RFC 9110 §15.3.5, §15.4.5).
[[nodiscard]] constexpr bool has_body(int status) { return status != 204 && status != 304; }

/// 1xx is no final response (RFC 9110 §15.2); whoever waits for one would wait for ever.
[[nodiscard]] constexpr bool is_final(int status) { return status / 100 != 1; }

}  // namespace plait::transport
