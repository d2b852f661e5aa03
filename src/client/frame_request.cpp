#include "client/frame_request.hpp"

#include "http/fields.hpp"
#include "http/grammar.hpp"

namespace plait::client {
namespace {

std::string_view bearer_token(const ConnectOptions& options) {
  constexpr std::string_view kScheme = "Bearer ";
  for (const auto& [name, value] : options.headers) {
    if (http::equals_ignoring_case(name, "authorization") && value.starts_with(kScheme)) {
      return std::string_view{value}.substr(kScheme.size());
    }
  }
  return {};
}

}  // namespace

transport::FrameRequest frame_request(const http::Uri& uri, const ConnectOptions& options) {
  return {.path = uri.target(),
          .authority = to_host_field(uri),
          .token = std::string{bearer_token(options)},
          .subprotocols = options.subprotocols};
}

}  // namespace plait::client
