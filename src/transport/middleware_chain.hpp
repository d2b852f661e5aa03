// MiddlewareChain: one request's way through a server's middleware.
#pragma once

#include <plait/middleware.hpp>

#include <cstddef>
#include <optional>

#include "transport/router.hpp"

namespace plait::transport {

class MiddlewareChain {
 public:
  explicit MiddlewareChain(const Router& router) : links_(router.middleware) {}

  /// The first answer, if a link has one.
  std::optional<HttpResponse> ask(IncomingRequest& request);
  /// Tells the links that were asked, the last first.
  void tell(const IncomingRequest& request, HttpResponse& response);

 private:
  const std::vector<Middleware*>& links_;
  std::size_t asked_ = 0;
};

}  // namespace plait::transport
