// What a client asks for on the wires without HTTP.
#pragma once

#include <plait/client.hpp>

#include "http/uri.hpp"
#include "transport/frame_opening.hpp"

namespace plait::client {

/// Of the options, the token of `Authorization: Bearer` and the subprotocols; other header fields have no place there.
[[nodiscard]] transport::FrameRequest frame_request(const http::Uri& uri, const ConnectOptions& options);

}  // namespace plait::client
