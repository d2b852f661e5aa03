// Sessions that want streams, for the foreign clients of interop_server: WebTransport only.
//
// /streams   echoes what comes on a bidirectional stream; the bytes of a unidirectional one come back on one that the
//            server opens; datagrams come back
// /opens     opens a bidirectional stream ("hello", then an echo) and a unidirectional one ("one way") by itself
// /orders    a bidirectional stream that begins with "reset N", "stop N" or "close N REASON" does so; what the peer
//            resets or stops is told on a unidirectional stream: "reset N", "stopped N"
#pragma once

#include <plait/session.hpp>

#include <utility>
#include <vector>

using Route = std::pair<const char*, plait::HandlerFactory>;

std::vector<Route> stream_routes();
