#include "quic/path.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <string>

namespace plait::quic {
namespace {

template <class Sockaddr>
Address address_of(const Sockaddr& name) {
  return Address::of({reinterpret_cast<const std::uint8_t*>(&name), sizeof name});
}

Address ipv4(const char* text) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(127);
  EXPECT_EQ(::inet_pton(AF_INET, text, &name.sin_addr), 1);
  return address_of(name);
}

Address ipv6(const char* text) {
  sockaddr_in6 name{};
  name.sin6_family = AF_INET6;
  name.sin6_port = htons(127);
  EXPECT_EQ(::inet_pton(AF_INET6, text, &name.sin6_addr), 1);
  return address_of(name);
}

TEST(QuicAddress, LoopbackIsKnownInEachForm) {
  for (const char* text : {"127.0.0.1", "127.255.0.9"}) EXPECT_TRUE(ipv4(text).is_loopback()) << text;
  for (const char* text : {"::1", "::ffff:127.0.0.1"}) EXPECT_TRUE(ipv6(text).is_loopback()) << text;
}

TEST(QuicAddress, NothingElseIsLoopback) {
  for (const char* text : {"0.0.0.0", "10.127.0.1", "128.0.0.1"}) EXPECT_FALSE(ipv4(text).is_loopback()) << text;
  for (const char* text : {"::", "::2", "7f00::1", "::ffff:10.0.0.1", "1::1"}) {
    EXPECT_FALSE(ipv6(text).is_loopback()) << text;
  }
  EXPECT_FALSE(Address{}.is_loopback());
}

}  // namespace
}  // namespace plait::quic
