// Which header fields a user may give to an opening or a request.
#pragma once

#include <plait/client.hpp>
#include <plait/result.hpp>

namespace plait::client {

/// The same on every wire. Errors name the first field that cannot be sent, and why.
Result<void, Error> check_headers(const ConnectOptions& options);

}  // namespace plait::client
