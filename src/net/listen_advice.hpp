// What a person can do when listening fails.
#pragma once

#include <string>

#include "net/socket.hpp"

namespace plait::net {

/// The cause and the fix for `system_errno` of socket(), bind() or listen() on `address`; empty if there is none to
/// give.
std::string listen_advice(int system_errno, const Address& address);

}  // namespace plait::net
