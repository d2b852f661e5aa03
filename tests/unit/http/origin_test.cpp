#include "http/origin.hpp"

#include <gtest/gtest.h>

namespace plait::http {
namespace {

bool same_as_host(std::string_view origin, std::string_view host, bool secure) {
  const auto parsed = parse_origin(origin);
  return parsed && is_same_origin(*parsed, host, secure);
}

bool same(std::string_view a, std::string_view b) {
  return is_same_origin(parse_origin(a).value(), parse_origin(b).value());
}

TEST(HttpOrigin, Rfc6454Section5SameOrigin) {
  EXPECT_TRUE(same("http://example.com", "http://example.com:80"));
  EXPECT_TRUE(same("HTTPS://Example.com", "https://example.com:443"));
  EXPECT_FALSE(same("http://example.com", "https://example.com"));
  EXPECT_FALSE(same("http://example.com", "http://www.example.com"));
  EXPECT_FALSE(same("http://example.com", "http://example.com:8080"));
}

TEST(HttpOrigin, AgainstTheHostOfTheRequest) {
  EXPECT_TRUE(same_as_host("http://localhost:8800", "localhost:8800", false));
  EXPECT_TRUE(same_as_host("http://example.com", "EXAMPLE.com", false));
  EXPECT_TRUE(same_as_host("https://example.com", "example.com:443", true));
  EXPECT_TRUE(same_as_host("http://[::1]:8800", "[::1]:8800", false));
  EXPECT_FALSE(same_as_host("http://example.com", "example.com", true));
  EXPECT_FALSE(same_as_host("https://example.com", "example.com", false));
  EXPECT_FALSE(same_as_host("http://localhost:8801", "localhost:8800", false));
  EXPECT_FALSE(same_as_host("http://example.com.evil.org", "example.com", false));
  EXPECT_FALSE(same_as_host("http://evil-example.com", "example.com", false));
  EXPECT_FALSE(same_as_host("chrome-extension://abcdef", "abcdef", false));
  EXPECT_FALSE(same_as_host("http://a", "", false));
}

TEST(HttpOrigin, Rfc6454Section7OnlyOneSerializedOrigin) {
  for (const char* text : {"", "null", "example.com", "http://", "http://a/", "http://a?b", "http://u@a",
                           "http://a http://b", "://a", "1x://a", "http:/a", "http://a:70000", "http://a,b"}) {
    EXPECT_FALSE(parse_origin(text)) << text;
  }
}

TEST(HttpGlob, StarsAndQuestionMarksStandForText) {
  for (const auto& [text, pattern] : {std::pair{"https://a.example.org", "https://*.example.org"},
                                      {"https://a.b.example.org", "https://*.example.org"},
                                      {"https://example.org:8443", "https://example.org:*"},
                                      {"https://node7.example.org", "https://node?.example.org"},
                                      {"", ""},
                                      {"", "**"},
                                      {"abcabd", "*abd"},
                                      {"a*b", "a*b"},
                                      {"aXbXc", "a*b*c"}}) {
    EXPECT_TRUE(matches_glob(text, pattern)) << text << " " << pattern;
  }
  for (const auto& [text, pattern] : {std::pair{"https://example.org", "https://*.example.org"},
                                      {"https://a.example.org.evil.example", "https://*.example.org"},
                                      {"http://a.example.org", "https://*.example.org"},
                                      {"https://node77.example.org", "https://node?.example.org"},
                                      {"", "?"},
                                      {"a", ""},
                                      {"ab", "a"},
                                      {"a", "ab"}}) {
    EXPECT_FALSE(matches_glob(text, pattern)) << text << " " << pattern;
  }
}

}  // namespace
}  // namespace plait::http
