// From an Address to what the socket calls take, and back to text.
#pragma once

#include <plait/result.hpp>

#include <sys/socket.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/socket.hpp"

namespace plait::net {

/// A sockaddr of any family with its length.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  [[nodiscard]] int family() const { return storage.ss_family; }
  [[nodiscard]] bool is_ipv6() const { return family() == AF_INET6; }
  /// Host order; 0 for a Unix socket.
  [[nodiscard]] std::uint16_t port() const;
  /// "127.0.0.1:5000" (also for an IPv4 peer of a dual-stack socket), "[::1]:5000", "unix".
  [[nodiscard]] std::string text() const;
};

/// Every address that `address` stands for, at least one. A host name is looked up, which blocks; numbers and paths are
/// not. Errors name the host or the path and the fix.
Result<std::vector<SocketAddress>, Error> resolve(const Address& address);

/// The address that a numeric host is; none for a name, which has to be looked up.
[[nodiscard]] std::optional<SocketAddress> as_literal(const Address& address);

/// As a person writes it: "127.0.0.1:80", "[::1]:80", "/run/plait.sock".
std::string to_text(const Address& address);

/// "`what`: `the errno's text`", with that errno.
Unexpected<Error> system_error(std::string_view what, int system_errno);

}  // namespace plait::net
