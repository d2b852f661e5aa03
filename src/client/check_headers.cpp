#include "client/check_headers.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "http/fields.hpp"
#include "http/grammar.hpp"

namespace plait::client {
namespace {

// RFC 9114 §4.2 and RFC 9110 §7.2: they are the connection's, and it writes those that it needs. So are those of the
// opening handshake (RFC 6455 §11.3), which come once: its key and its version, and what options ask for.
bool is_connections_own(std::string_view name) {
  constexpr std::string_view kHandshakePrefix = "sec-websocket-";
  if (http::equals_ignoring_case(name.substr(0, kHandshakePrefix.size()), kHandshakePrefix)) return true;
  constexpr std::array<std::string_view, 7> kNames{"host",    "connection",       "content-length",   "keep-alive",
                                                   "upgrade", "proxy-connection", "transfer-encoding"};
  return std::ranges::any_of(kNames, [name](std::string_view own) { return http::equals_ignoring_case(name, own); });
}

const char* find_mistake(std::string_view name, std::string_view value) {
  if (!http::is_token(name)) return "its name is empty, or has a character that no name has (RFC 9110 §5.1)";
  if (http::find_bad_value_char(value) != std::string_view::npos) return "its value has a control character";
  if (is_connections_own(name)) return "it is written by the connection itself";
  return nullptr;
}

Error bad_subprotocol(const std::string& subprotocol, const char* why) {
  return {"the subprotocol \"" + subprotocol + "\" cannot be offered: " + why};
}

}  // namespace

Result<void, Error> check_headers(const ConnectOptions& options) {
  for (const auto& [name, value] : options.headers) {
    const char* mistake = find_mistake(name, value);
    if (mistake != nullptr) return err(Error{"the header field \"" + name + "\" cannot be sent: " + mistake});
  }
  return {};
}

Result<void, Error> check_subprotocols(const ConnectOptions& options) {
  const auto& all = options.subprotocols;
  for (auto one = all.begin(); one != all.end(); ++one) {
    if (!http::is_token(*one)) return err(bad_subprotocol(*one, "it is empty, or has a character that no name has"));
    if (std::find(all.begin(), one, *one) != one) return err(bad_subprotocol(*one, "it is there twice"));
  }
  return {};
}

}  // namespace plait::client
