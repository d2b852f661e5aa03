#include "http/uri.hpp"

#include <gtest/gtest.h>

#include <string>

#include "http_testing.hpp"

namespace plait::http {

void PrintTo(UriError error, std::ostream* out) { *out << describe(error); }

namespace {

Uri parsed(std::string_view text) {
  auto uri = parse_uri(text);
  if (!uri) {
    ADD_FAILURE() << text << ": " << describe(uri.error());
    return {};
  }
  return *uri;
}

std::optional<UriError> refused_uri(std::string_view text) { return error_of(parse_uri(text)); }

TEST(HttpUri, PartsOfAUrl) {
  const Uri uri = parsed("wss://Example.ORG:8443/Chat/%7Euser?token=a%26b&x");
  EXPECT_EQ(uri.scheme, Scheme::wss);
  EXPECT_EQ(uri.host, "example.org");
  EXPECT_EQ(uri.port, 8443);
  EXPECT_EQ(uri.path, "/Chat/%7Euser");
  EXPECT_EQ(uri.query, "token=a%26b&x");
  EXPECT_FALSE(uri.is_ipv6);
}

TEST(HttpUri, Rfc9112Section321TheTargetIsPathAndQuery) {
  EXPECT_EQ(parsed("ws://a").target(), "/");
  EXPECT_EQ(parsed("ws://a/b?").target(), "/b");
  EXPECT_EQ(parsed("ws://a?b=c?d").target(), "/?b=c?d");
}

TEST(HttpUri, Rfc6455Section3DefaultPorts) {
  EXPECT_EQ(parsed("ws://a").port, 80);
  EXPECT_EQ(parsed("WSS://a").port, 443);
  EXPECT_EQ(parsed("http://a/").port, 80);
  EXPECT_EQ(parsed("https://a?q").port, 443);
  EXPECT_EQ(parsed("ws://a:/").port, 80);
  EXPECT_EQ(parsed("tcp://a:0").port, 0);
  for (const char* url : {"tcp://a", "tls://a/", "quic://a:/x"})
    EXPECT_EQ(refused_uri(url), UriError::missing_port) << url;
}

TEST(HttpUri, EmptyPathIsSlash) {
  EXPECT_EQ(parsed("ws://a").path, "/");
  EXPECT_EQ(parsed("ws://a?q=1").path, "/");
  EXPECT_EQ(parsed("ws://a?q=1").query, "q=1");
}

TEST(HttpUri, Ipv6) {
  const Uri uri = parsed("tcp://[FE80::1]:5050");
  EXPECT_EQ(uri.host, "fe80::1");
  EXPECT_TRUE(uri.is_ipv6);
  EXPECT_EQ(to_string(uri), "tcp://[fe80::1]:5050/");
  EXPECT_EQ(to_host_field(uri), "[fe80::1]:5050");
}

TEST(HttpUri, UnixSockets) {
  EXPECT_EQ(parsed("unix:/run/plait #1.sock").socket_path, "/run/plait #1.sock");
  EXPECT_EQ(parsed("unix:///run/p.sock").socket_path, "/run/p.sock");
  EXPECT_EQ(parsed("unix:/" + std::string(106, 'a')).socket_path.size(), 107U);
  EXPECT_EQ(refused_uri("unix:/" + std::string(107, 'a')), UriError::socket_path_too_long);
  for (const char* url : {"unix:", "unix:run.sock", "unix://run/p.sock", "unix::/path"}) {
    EXPECT_EQ(refused_uri(url), UriError::socket_path_not_absolute) << url;
  }
}

TEST(HttpUri, APathFollowsAUnixSocketBehindAColon) {
  const Uri uri = parsed("unix:/run/a:b?.sock:/echo:/x?size=1");
  EXPECT_EQ(uri.socket_path, "/run/a:b?.sock");
  EXPECT_EQ(uri.path, "/echo:/x");
  EXPECT_EQ(uri.query, "size=1");
  EXPECT_EQ(to_string(uri), "unix:/run/a:b?.sock:/echo:/x?size=1");
  EXPECT_EQ(parsed("unix:///run/p.sock:/echo").path, "/echo");
  EXPECT_EQ(parsed("unix:/run/p.sock").path, "/");
  EXPECT_EQ(to_string(parsed("unix:/run/p.sock:/")), "unix:/run/p.sock");
  EXPECT_EQ(parsed("unix:/" + std::string(106, 'a') + ":/echo").path, "/echo");
  EXPECT_EQ(refused_uri("unix:/run/p.sock:/a#b"), UriError::fragment_given);
  EXPECT_EQ(refused_uri("unix:/run/p.sock:/a\\b"), UriError::bad_character);
}

TEST(HttpUri, EachRuleHasItsError) {
  EXPECT_EQ(refused_uri(""), UriError::missing_scheme);
  EXPECT_EQ(refused_uri("localhost"), UriError::missing_scheme);
  EXPECT_EQ(refused_uri("localhost:80"), UriError::unknown_scheme);
  EXPECT_EQ(refused_uri("ftp://a/"), UriError::unknown_scheme);
  EXPECT_EQ(refused_uri("ws:a"), UriError::missing_authority);
  EXPECT_EQ(refused_uri("ws:/a"), UriError::missing_authority);
  EXPECT_EQ(refused_uri("ws://u:p@a/"), UriError::userinfo_given);
  EXPECT_EQ(refused_uri("ws:///a"), UriError::missing_host);
  EXPECT_EQ(refused_uri("ws://:80/"), UriError::missing_host);
  EXPECT_EQ(refused_uri("ws://a,b/"), UriError::bad_host);
  EXPECT_EQ(refused_uri("ws://a%2e/"), UriError::bad_host);
  EXPECT_EQ(refused_uri("ws://[::1/"), UriError::bad_ipv6_address);
  EXPECT_EQ(refused_uri("ws://[::g]/"), UriError::bad_ipv6_address);
  EXPECT_EQ(refused_uri("ws://[::1]x/"), UriError::bad_port);
  EXPECT_EQ(refused_uri("ws://a:65536/"), UriError::bad_port);
  EXPECT_EQ(refused_uri("ws://a:8x/"), UriError::bad_port);
  EXPECT_EQ(refused_uri("ws://a:-1/"), UriError::bad_port);
  EXPECT_EQ(refused_uri("ws://a/#x"), UriError::fragment_given);
  EXPECT_EQ(refused_uri("ws://a#x"), UriError::fragment_given);
  EXPECT_EQ(refused_uri("ws://a/ b"), UriError::bad_character);
  EXPECT_EQ(refused_uri("ws://a/\xc3\xa9"), UriError::bad_character);
  EXPECT_EQ(refused_uri("ws://a/b\\c"), UriError::bad_character);
  EXPECT_EQ(refused_uri("ws://a/\r\nHost: b"), UriError::bad_character);
  EXPECT_EQ(refused_uri("unix:/a\nb"), UriError::bad_character);
  for (int i = 0; i <= static_cast<int>(UriError::socket_path_too_long); ++i) {
    EXPECT_FALSE(describe(static_cast<UriError>(i)).empty()) << i;
  }
}

TEST(HttpUri, ToStringParsesBackToTheSame) {
  for (const char* url : {"ws://a", "wss://a:80/x?y=z", "tcp://[::1]:0/", "unix:/run/x", "unix:/run/x:/y?z=:/",
                          "http://a:443/?", "tls://1.2.3.4:1"}) {
    const Uri uri = parsed(url);
    EXPECT_EQ(parsed(to_string(uri)), uri) << url;
  }
  EXPECT_EQ(to_string(parsed("HTTPS://A:443/b")), "https://a/b");
}

TEST(HttpUri, HostFieldLeavesOutTheDefaultPort) {
  EXPECT_EQ(to_host_field(parsed("ws://a:80/")), "a");
  EXPECT_EQ(to_host_field(parsed("ws://a:8080/")), "a:8080");
  EXPECT_EQ(to_host_field(parsed("wss://a:80/")), "a:80");
  EXPECT_EQ(to_host_field(parsed("unix:/a")), "localhost");
}

TEST(HttpUri, Rfc4291Section2_2Ipv6Addresses) {
  for (const char* text :
       {"ABCD:EF01:2345:6789:ABCD:EF01:2345:6789", "2001:DB8:0:0:8:800:200C:417A", "FF01::101", "::1",
        "::", "0:0:0:0:0:0:13.1.68.3", "::FFFF:129.144.52.38", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8"}) {
    EXPECT_TRUE(is_ipv6_address(text)) << text;
  }
  for (const char* text :
       {"", ":", ":::", "1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4::5:6:7:8", "1::2::3", "12345::", "::1.2.3",
        "1.2.3.4::", "::1.2.3.4:5", "1:2:3:4:5:6:7:", ":1:2:3:4:5:6:7", "fe80::1%eth0"}) {
    EXPECT_FALSE(is_ipv6_address(text)) << text;
  }
}

TEST(HttpUri, Ipv4Addresses) {
  for (const char* text : {"0.0.0.0", "255.255.255.255", "127.0.0.1"}) EXPECT_TRUE(is_ipv4_address(text)) << text;
  for (const char* text : {"", "1.2.3", "1.2.3.4.5", "256.0.0.1", "01.2.3.4", "1..2.3", "1.2.3.", "1.2.3.x"}) {
    EXPECT_FALSE(is_ipv4_address(text)) << text;
  }
}

TEST(HttpUri, Rfc3986Section2_1PercentDecode) {
  EXPECT_EQ(percent_decode("a%20b%2Fc%c3%A9+").value(), "a b/c\xc3\xa9+");
  EXPECT_EQ(percent_decode("%00").value(), std::string(1, '\0'));
  for (const char* text : {"%", "%1", "%g0", "%0g", "a%%20"}) {
    EXPECT_EQ(error_of(percent_decode(text)), UriError::bad_percent_encoding) << text;
  }
}

}  // namespace
}  // namespace plait::http
