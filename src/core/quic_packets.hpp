// For measurements only: whether QUIC packets may grow. A property of the process, set before its first endpoint, as no
// application has a reason to ask for small ones.
#pragma once

namespace plait::core {

/// Endpoints that are made from now on send UDP payloads of at most 1,200 bytes: no path MTU discovery.
void keep_quic_packets_small();
[[nodiscard]] bool are_quic_packets_small();

}  // namespace plait::core
