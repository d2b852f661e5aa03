// What a service manager (systemd, with Type=notify) is told of this process: sd_notify(3) without its library.
#pragma once

#include <string_view>

namespace plait::net {

/// Sends `state` ("READY=1") to the socket that the environment's NOTIFY_SOCKET names; nothing where there is none, or
/// nobody reads it.
void notify_service_manager(std::string_view state);

}  // namespace plait::net
