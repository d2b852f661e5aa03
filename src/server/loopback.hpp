// Which names and addresses stay on this machine.
#pragma once

#include <string_view>

namespace plait::server {

/// 127.0.0.0/8, ::1 and localhost; `host` is a URL's, without brackets and port.
[[nodiscard]] bool is_loopback(std::string_view host);

/// The same of a Host field: "127.0.0.1:8800", "[::1]".
[[nodiscard]] bool is_loopback_host_field(std::string_view host_field);

}  // namespace plait::server
