// The grammar of Sec-WebSocket-Extensions and Sec-WebSocket-Protocol (RFC 6455 §9.1, §11.3.4): comma-separated lists,
// which may be spread over several fields of the same name.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace plait::ws {

struct ExtensionParameter {
  std::string_view name;
  std::optional<std::string> value;  ///< unquoted

  friend bool operator==(const ExtensionParameter&, const ExtensionParameter&) = default;
};

struct Extension {
  std::string_view name;
  std::vector<ExtensionParameter> parameters;
};

/// Adds the extensions of one field's value to `extensions`, as views into it. False if it breaks the grammar (RFC 6455
/// §9.1: the connection must then be failed). Empty list elements are skipped, as RFC 9110 §5.6.1.2 asks.
[[nodiscard]] bool parse_extensions(std::string_view value, std::vector<Extension>& extensions);

}  // namespace plait::ws
