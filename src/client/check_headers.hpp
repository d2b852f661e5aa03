// Which header fields and subprotocols a user may give to an opening or a request.
#pragma once

#include <plait/client.hpp>
#include <plait/result.hpp>

namespace plait::client {

/// The same on every wire. Errors name the first field that cannot be sent, and why.
Result<void, Error> check_headers(const ConnectOptions& options);
/// Likewise. RFC 6455 §4.1 has their form.
Result<void, Error> check_subprotocols(const ConnectOptions& options);

}  // namespace plait::client
