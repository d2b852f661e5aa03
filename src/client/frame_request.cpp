#include "client/frame_request.hpp"

#include "http/fields.hpp"
#include "http/grammar.hpp"

namespace plait::client {
namespace {

std::string_view bearer_token(const ConnectOptions& options) {
  constexpr std::string_view kScheme = "bearer ";
  for (const auto& [name, value] : options.headers) {
    if (!http::equals_ignoring_case(name, "authorization")) continue;
    const std::string_view credentials = http::trim_whitespace(value);
    if (http::equals_ignoring_case(credentials.substr(0, kScheme.size()), kScheme)) {
      return http::trim_whitespace(credentials.substr(kScheme.size()));
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
