// A server under test, as a command and a URL: plait's own, the raw peers, and whatever --peer names.
#pragma once

#include "bench/suite.hpp"

#include <plait/result.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace plait::bench {

/// One way to start a server. `command` may hold {port} and {cpu}; it is run by `sh -c exec`. With {port} in it, a free
/// port is chosen and the server is ready when it accepts a connection there (https: when it has bound it); without, it
/// must print a line "listening URL" with the port that it took.
struct ServerSpec {
  std::string name;
  std::string command;
  std::string url;                    ///< the port is {port}, or 0 when the server says it
  std::vector<std::string> routes{};  ///< paths (before '?') that it serves; empty: all
  std::vector<LoadMode> modes{};      ///< loads that it is for; empty: all
  bool has_deflate = true;            ///< takes part in permessage-deflate rows
  /// Its own load generator, with the words and the report of bench-generate; empty: plait's.
  std::string generator{};
  bool takes_row_options = false;  ///< rows may add options to its command
  /// Of the transfers of bulk rows, in both directions; empty: not known.
  std::string congestion_control{};
};

/// NAME=COMMAND,URL; the URL is what follows the last comma. A path in the URL replaces the rows' own paths.
[[nodiscard]] Result<ServerSpec, Error> parse_peer(std::string_view text);

/// The spec of `name` that speaks the row's scheme and serves its path and load; nothing when there is none. A redis:
/// or nats: server is one for the fan-out rows.
[[nodiscard]] const ServerSpec* find_spec(const std::vector<ServerSpec>& specs, std::string_view name, const Row& row);
/// Names in the order of their first appearance.
[[nodiscard]] std::vector<std::string> server_names(const std::vector<ServerSpec>& specs);

/// Every {key} replaced.
[[nodiscard]] std::string replace_all(std::string text, std::string_view key, std::string_view value);

/// plait's own server, and the raw peers with the yardsticks, started from the executable at `self`.
[[nodiscard]] std::vector<ServerSpec> plait_servers(const std::string& self);
[[nodiscard]] std::vector<ServerSpec> raw_servers(const std::string& self);

}  // namespace plait::bench
