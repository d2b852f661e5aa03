// The public servers that --peers finds on this machine, and what is missing.
#pragma once

#include "bench/server_spec.hpp"

#include <string>
#include <vector>

namespace plait::bench {

struct FoundPeers {
  std::vector<ServerSpec> servers;
  std::vector<std::string> missing;  ///< "websockets: apt install python3-websockets python3-uvloop"
};

/// Looks for each peer by running its interpreter's import, and for the files that it consists of. `scripts` is the
/// repository's bench/peers; `self` the plait executable, beside which the optional Boost.Beast peer is built.
[[nodiscard]] FoundPeers find_peers(const std::string& scripts, const std::string& self);

/// Where the peer scripts are: those that were installed with the executable at `self`, else those of this build's
/// sources.
[[nodiscard]] std::string peer_scripts_folder(const std::string& self);

}  // namespace plait::bench
