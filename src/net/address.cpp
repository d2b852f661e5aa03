#include "net/address.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

namespace plait::net {
namespace {

Result<std::vector<SocketAddress>, Error> resolve_path(const std::string& path) {
  sockaddr_un name{};
  if (path.size() >= sizeof name.sun_path) {
    return err(Error{"the Unix socket path " + path + " has " + std::to_string(path.size()) +
                         " bytes: use one of at most " + std::to_string(sizeof name.sun_path - 1),
                     ENAMETOOLONG});
  }
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, path.data(), path.size());
  SocketAddress result;
  result.length = sizeof name;
  std::memcpy(&result.storage, &name, sizeof name);
  return std::vector{result};
}

int look_up(const Address& address, int flags, addrinfo** found) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICSERV | flags;
  hints.ai_socktype = SOCK_STREAM;
  return ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, found);
}

std::vector<SocketAddress> take_all(addrinfo* found) {
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner{found, &::freeaddrinfo};
  std::vector<SocketAddress> results;
  for (; found != nullptr; found = found->ai_next) {
    SocketAddress& result = results.emplace_back();
    result.length = found->ai_addrlen;
    std::memcpy(&result.storage, found->ai_addr, found->ai_addrlen);
  }
  return results;
}

}  // namespace

std::uint16_t SocketAddress::port() const {
  if (family() == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
  if (family() == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port);
  return 0;
}

std::string SocketAddress::text() const {
  if (family() != AF_INET && family() != AF_INET6) return "unix";
  const auto& ipv4 = reinterpret_cast<const sockaddr_in&>(storage);
  const auto& ipv6 = reinterpret_cast<const sockaddr_in6&>(storage);
  const bool mapped = family() == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&ipv6.sin6_addr);
  const void* digits_of = family() == AF_INET ? static_cast<const void*>(&ipv4.sin_addr)
                          : mapped            ? static_cast<const void*>(&ipv6.sin6_addr.s6_addr[12])
                                              : static_cast<const void*>(&ipv6.sin6_addr);
  std::array<char, INET6_ADDRSTRLEN> digits{};
  ::inet_ntop(mapped ? AF_INET : family(), digits_of, digits.data(), digits.size());
  return to_text(Address{.host = digits.data(), .port = port()});
}

Result<std::vector<SocketAddress>, Error> resolve(const Address& address) {
  if (!address.unix_path.empty()) return resolve_path(address.unix_path);
  if (address.host.empty()) return err(Error{"the address has no host: use 127.0.0.1, 0.0.0.0, :: or a name", EINVAL});
  addrinfo* found = nullptr;
  int status = look_up(address, AI_NUMERICHOST, &found);
  if (status == EAI_NONAME) status = look_up(address, 0, &found);
  if (status != 0) {
    const int number = status == EAI_SYSTEM ? errno : EHOSTUNREACH;
    return err(Error{"cannot resolve the host " + address.host + ": " + ::gai_strerror(status) +
                         "; check its spelling, or use a numeric address",
                     number});
  }
  return take_all(found);
}

std::optional<SocketAddress> as_literal(const Address& address) {
  if (address.host.empty() || !address.unix_path.empty()) return std::nullopt;
  addrinfo* found = nullptr;
  if (look_up(address, AI_NUMERICHOST, &found) != 0) return std::nullopt;
  return take_all(found).front();
}

std::string to_text(const Address& address) {
  if (!address.unix_path.empty()) return address.unix_path;
  const bool is_ipv6 = address.host.find(':') != std::string::npos;
  std::string text = is_ipv6 ? "[" : "";
  text += address.host;
  text += is_ipv6 ? "]:" : ":";
  return text += std::to_string(address.port);
}

Unexpected<Error> system_error(std::string_view what, int system_errno) {
  return err(Error{std::string{what} + ": " + std::generic_category().message(system_errno), system_errno});
}

}  // namespace plait::net
