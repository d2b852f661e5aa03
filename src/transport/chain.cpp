#include "transport/chain.hpp"

#include <plait/log.hpp>

#include <exception>
#include <string>

namespace plait::transport {
namespace {

// False: it threw.
template <class Call>
bool guarded(Call&& call) {
  try {
    call();
    return true;
  } catch (const std::exception& exception) {
    log(LogLevel::error, std::string{"middleware threw: "} + exception.what());
  } catch (...) {
    log(LogLevel::error, "middleware threw something that is not a std::exception");
  }
  return false;
}

}  // namespace

std::optional<HttpResponse> Chain::ask(const IncomingRequest& request) {
  while (asked_ < links_.size()) {
    Middleware& link = *links_[asked_++];
    std::optional<HttpResponse> answer;
    if (!guarded([&] { answer = link.on_request(request); })) {
      return HttpResponse{.status = 500, .body = "internal error\n"};
    }
    if (answer) return answer;
  }
  return std::nullopt;
}

void Chain::tell(const IncomingRequest& request, HttpResponse& response) {
  while (asked_ > 0) {
    Middleware& link = *links_[--asked_];
    guarded([&] { link.on_response(request, response); });
  }
}

}  // namespace plait::transport
