#include "client/frame_request.hpp"

#include "http/fields.hpp"
#include "http/grammar.hpp"

namespace plait::client {
namespace {

std::string_view token_of(const ConnectOptions& options) {
  for (const auto& [name, value] : options.headers) {
    if (!http::equals_ignoring_case(name, "authorization")) continue;
    if (const std::string_view token = http::bearer_token(value); !token.empty()) return token;
  }
  return {};
}

}  // namespace

transport::FrameRequest frame_request(const http::Uri& uri, const ConnectOptions& options) {
  return {.path = uri.target(),
          .authority = to_host_field(uri),
          .token = std::string{token_of(options)},
          .subprotocols = options.subprotocols};
}

}  // namespace plait::client
