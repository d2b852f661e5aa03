// Answers to requests that open no session, the same over HTTP/1.1 and HTTP/3.
#pragma once

#include <plait/server.hpp>

#include "transport/router.hpp"

namespace plait::transport {

/// The handler's response, or a refusal: 404, 405 for the path of a session, 500 for an exception. `match` is that of
/// the request's path.
[[nodiscard]] HttpResponse answer_page(const RouteMatch& match, const HttpRequest& request);

}  // namespace plait::transport
