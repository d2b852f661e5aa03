// The access log's line for the end of a session.
#pragma once

#include <plait/session.hpp>

#include <string>
#include <string_view>

namespace plait::server {

/// The handlers of `factory`, each with a line (LogLevel::info) when its session has ended: peer, path, close code,
/// user, how long it lasted, payload bytes received and sent. They do not defer their openings.
HandlerFactory log_ends(HandlerFactory factory);

/// What a peer has written, cut to 256 bytes and "…": behind it stand fields that a line that is cut would lose.
std::string shortened(std::string_view text);

/// " user=\"NAME\"" with the name shortened(), quotes and backslashes in it behind a backslash; empty if there is none.
std::string user_field(std::string_view user);

}  // namespace plait::server
