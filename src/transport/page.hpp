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

}  // namespace plait::transport
