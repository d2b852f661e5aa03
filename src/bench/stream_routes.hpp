// The routes of `plait bench serve` for https: and quic: URLs, as handlers of streams and datagrams. A peer with the
// same routes can stand in for them:
//
//   /echo     every bidirectional stream and datagram comes back
//   /latency  a bidirectional stream comes back when it has been read whole
//   /discard  streams are read; the end of a bidirectional one is answered with "BYTES DATAGRAMS": the bytes of this
//             stream, and the datagrams that this session has received so far. Any answer that ends will do
//   /produce  a decimal number on a bidirectional stream is answered with so many bytes
//   /duplex   1 MiB each way on a bidirectional stream; ours ends when the client's is here, too
#pragma once

#include <plait/session.hpp>

#include <string_view>
#include <utility>
#include <vector>

namespace plait::bench {

/// Path and handlers of each.
[[nodiscard]] std::vector<std::pair<std::string_view, HandlerFactory>> stream_routes();

}  // namespace plait::bench
