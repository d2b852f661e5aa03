#include "server/loopback.hpp"

#include "http/authority.hpp"

namespace plait::server {

bool is_loopback(std::string_view host) {
  return host == "localhost" || host == "::1" || (host.starts_with("127.") && http::is_ipv4_address(host));
}

bool is_loopback_host_field(std::string_view host_field) {
  const auto authority = http::parse_authority(host_field);
  return authority && is_loopback(authority->host);
}

}  // namespace plait::server
