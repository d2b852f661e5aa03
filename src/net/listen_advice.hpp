// What a person can do when listening or accepting fails.
#pragma once

#include <cstdint>
#include <string>

#include "net/socket.hpp"

namespace plait::net {

/// What of a port is taken, TCP's or UDP's.
enum class PortKind : std::uint8_t { tcp, udp };

/// The cause and the fix for `system_errno` of socket(), bind() or listen() on `address`; empty if there is none to
/// give.
std::string listen_advice(int system_errno, const Address& address, PortKind kind);

/// The fix for `system_errno` of Listener::accept(), or of Loop::watch() for what it gave: "raise the limit (…)"; empty
/// if there is none to give.
std::string accept_advice(int system_errno);

}  // namespace plait::net
