#include "transport/middleware_chain.hpp"

#include "core/guard.hpp"

namespace plait::transport {

std::optional<HttpResponse> MiddlewareChain::ask(const IncomingRequest& request) {
  while (asked_ < links_.size()) {
    Middleware& link = *links_[asked_++];
    std::optional<HttpResponse> answer;
    if (!core::guarded("middleware", [&] { answer = link.on_request(request); })) {
      return HttpResponse{.status = 500, .body = "internal error\n"};
    }
    if (answer) return answer;
  }
  return std::nullopt;
}

void MiddlewareChain::tell(const IncomingRequest& request, HttpResponse& response) {
  while (asked_ > 0) {
    Middleware& link = *links_[--asked_];
    core::guarded("middleware", [&] { link.on_response(request, response); });
  }
}

}  // namespace plait::transport
