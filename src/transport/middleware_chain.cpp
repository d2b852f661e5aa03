#include "transport/middleware_chain.hpp"

#include <string>

#include "core/guard.hpp"

namespace plait::transport {
namespace {

core::Thrower thrower(const IncomingRequest& request, const char* function) {
  return {"middleware", std::string{function} + " for " + std::string{request.path().substr(0, 256)}, request.peer()};
}

}  // namespace

std::optional<HttpResponse> MiddlewareChain::ask(IncomingRequest& request) {
  while (asked_ < links_.size()) {
    Middleware& link = *links_[asked_++];
    std::optional<HttpResponse> answer;
    if (!core::guarded([&] { return thrower(request, "on_request"); }, [&] { answer = link.on_request(request); })) {
      return HttpResponse{.status = 500, .body = "internal error\n"};
    }
    if (answer) return answer;
  }
  return std::nullopt;
}

void MiddlewareChain::tell(const IncomingRequest& request, HttpResponse& response) {
  while (asked_ > 0) {
    Middleware& link = *links_[--asked_];
    core::guarded([&] { return thrower(request, "on_response"); }, [&] { link.on_response(request, response); });
  }
}

}  // namespace plait::transport
