#include "http/request.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "http_testing.hpp"

namespace plait::http {
namespace {

constexpr std::string_view kUpgrade =
    "GET /chat?room=1&x=2 HTTP/1.1\r\n"
    "Host: server.example.com\r\n"
    "Upgrade: websocket\r\n"
    "Connection: keep-alive, Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Version:13\r\n"
    "Cookie: theme=dark; access_token=abc.def.ghi\r\n"
    "\r\n";

RequestHead accepted(std::string_view text, const Limits& limits = {}) {
  auto result = parse_request(text, limits);
  if (!result || !*result) {
    ADD_FAILURE() << summary(result) << "\nfor " << text;
    return {};
  }
  return std::move(**result);
}

std::optional<Error> refused(std::string_view text, const Limits& limits = {}) {
  return error_of(parse_request(text, limits));
}

TEST(HttpRequest, Rfc6455Section1_2OpeningHandshake) {
  const RequestHead head = accepted(kUpgrade);
  EXPECT_EQ(head.method, "GET");
  EXPECT_EQ(head.target, "/chat?room=1&x=2");
  EXPECT_EQ(head.path, "/chat");
  EXPECT_EQ(head.query, "room=1&x=2");
  EXPECT_EQ(head.minor_version, 1);
  EXPECT_EQ(head.head_bytes, kUpgrade.size());
  EXPECT_EQ(head.body.kind, BodyFraming::Kind::none);
  EXPECT_TRUE(head.keep_alive);
  EXPECT_FALSE(head.expects_continue);
  EXPECT_EQ(head.fields.size(), 6U);
  EXPECT_EQ(head.fields.find("sec-websocket-version"), "13");
  EXPECT_TRUE(head.fields.has_token("connection", "upgrade"));
  EXPECT_EQ(head.fields.find("cookie"), "theme=dark; access_token=abc.def.ghi");
}

TEST(HttpRequest, ViewsPointIntoTheInput) {
  const RequestHead head = accepted(kUpgrade);
  const auto* begin = kUpgrade.data();
  EXPECT_EQ(head.method.data(), begin);
  EXPECT_EQ(head.fields.find("Host")->data(), begin + kUpgrade.find("server"));
}

TEST(HttpRequest, Rfc9112Section2_1Example) {
  const RequestHead head = accepted(
      "GET /hello.txt HTTP/1.1\r\nUser-Agent: curl/7.64.1\r\nHost: www.example.com\r\nAccept-Language: en, mi\r\n\r\n");
  EXPECT_EQ(head.path, "/hello.txt");
  EXPECT_EQ(head.fields.find("Accept-Language"), "en, mi");
}

TEST(HttpRequest, Rfc9112Section3_2_1OriginForm) {
  const RequestHead head = accepted("GET /where?q=now HTTP/1.1\r\nHost: www.example.org\r\n\r\n");
  EXPECT_EQ(head.path, "/where");
  EXPECT_EQ(head.query, "q=now");
}

TEST(HttpRequest, Rfc9112Section3_2_2AbsoluteFormReplacesHost) {
  const RequestHead head =
      accepted("GET http://www.example.org/pub/page.html?a HTTP/1.1\r\nHost: other.example\r\nX: y\r\n\r\n");
  EXPECT_EQ(head.target, "http://www.example.org/pub/page.html?a");
  EXPECT_EQ(head.path, "/pub/page.html");
  EXPECT_EQ(head.query, "a");
  EXPECT_EQ(head.fields.count("Host"), 1U);
  EXPECT_EQ(head.fields.find("Host"), "www.example.org");
  EXPECT_EQ(head.fields.find("X"), "y");
}

TEST(HttpRequest, AbsoluteFormWithEmptyPathIsSlash) {
  EXPECT_EQ(accepted("OPTIONS http://www.example.org:8001 HTTP/1.1\r\nHost: a\r\n\r\n").path, "/");
  const RequestHead head = accepted("GET HTTPS://[::1]:8001?q HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(head.path, "/");
  EXPECT_EQ(head.query, "q");
  EXPECT_TRUE(head.needs_tls);
  EXPECT_FALSE(accepted("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n").needs_tls);
  EXPECT_FALSE(accepted("GET / HTTP/1.1\r\nHost: a\r\n\r\n").needs_tls);
}

TEST(HttpRequest, Rfc9112Section3_2_3AuthorityForm) {
  const RequestHead head = accepted("CONNECT www.example.com:80 HTTP/1.1\r\nHost: www.example.com\r\n\r\n");
  EXPECT_EQ(head.target, "www.example.com:80");
  EXPECT_EQ(head.path, "");
}

TEST(HttpRequest, Rfc9112Section3_2_4AsteriskForm) {
  EXPECT_EQ(accepted("OPTIONS * HTTP/1.1\r\nHost: www.example.org:8001\r\n\r\n").path, "*");
}

TEST(HttpRequest, Rfc9112Section2_2OneEmptyLineBeforeIsSkipped) {
  const RequestHead head = accepted("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(head.method, "GET");
  EXPECT_EQ(head.head_bytes, 29U);
  EXPECT_EQ(refused("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), Error::empty_lines_before_start);
}

TEST(HttpRequest, Rfc9112Section9_3Persistence) {
  const auto keeps = [](std::string_view version, std::string_view connection) {
    return accepted("GET / " + std::string{version} + "\r\nHost: a\r\n" + std::string{connection} + "\r\n").keep_alive;
  };
  EXPECT_TRUE(keeps("HTTP/1.1", ""));
  EXPECT_TRUE(keeps("HTTP/1.9", ""));
  EXPECT_FALSE(keeps("HTTP/1.1", "Connection: close\r\n"));
  EXPECT_FALSE(keeps("HTTP/1.1", "Connection: keep-alive, Close\r\n"));
  EXPECT_FALSE(keeps("HTTP/1.1", "Connection: keep-alive\r\nConnection: close\r\n"));
  EXPECT_FALSE(keeps("HTTP/1.0", ""));
  EXPECT_TRUE(keeps("HTTP/1.0", "Connection: Keep-Alive\r\n"));
  EXPECT_FALSE(keeps("HTTP/1.0", "Connection: keep-alive, close\r\n"));
}

TEST(HttpRequest, Rfc9110Section10_1_1Expect) {
  const std::string rest = "\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-Continue\r\n\r\n";
  EXPECT_TRUE(accepted("PUT / HTTP/1.1" + rest).expects_continue);
  EXPECT_FALSE(accepted("PUT / HTTP/1.0" + rest).expects_continue);
  EXPECT_FALSE(accepted("GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n").expects_continue);
}

TEST(HttpRequest, Rfc9110Section5_3FieldsThatAreNoListsComeOnce) {
  const std::string head = "GET / HTTP/1.1\r\nHost: a\r\n";
  EXPECT_EQ(refused(head + "Authorization: Bearer a\r\nauthorization: Bearer a\r\n\r\n"), Error::repeated_field);
  EXPECT_EQ(refused(head + "Origin: https://a\r\nA: b\r\nOrigin: https://b\r\n\r\n"), Error::repeated_field);
  EXPECT_EQ(accepted(head + "Origin: https://a\r\nAuthorization: Bearer a\r\n\r\n").fields.size(), 3U);
}

TEST(HttpRequest, Rfc9112Section3_2Host) {
  EXPECT_EQ(refused("GET / HTTP/1.1\r\n\r\n"), Error::missing_host);
  EXPECT_EQ(refused("GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n"), Error::several_hosts);
  EXPECT_EQ(refused("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"), Error::several_hosts);
  for (const char* host : {"a b", "a,b", "a/b", "u@a", ":80", "a:b", "a:65536", "[::1", "[1]", "::1", "a%00", "a?b"}) {
    EXPECT_EQ(refused("GET / HTTP/1.1\r\nHost: " + std::string{host} + "\r\n\r\n"), Error::bad_host) << host;
  }
  for (const char* host : {"", "a", "a:", "a:0", "a:65535", "127.0.0.1:80", "[::1]", "[::1]:8080", "a_b.c-d"}) {
    EXPECT_EQ(accepted("GET / HTTP/1.1\r\nHost: " + std::string{host} + "\r\n\r\n").fields.find("Host"), host);
  }
  EXPECT_EQ(accepted("GET / HTTP/1.0\r\n\r\n").fields.size(), 0U);
}

TEST(HttpRequest, BodyFraming) {
  const auto body = [](std::string_view fields) {
    return accepted("POST / HTTP/1.1\r\nHost: a\r\n" + std::string{fields} + "\r\n").body;
  };
  EXPECT_EQ(body("").kind, BodyFraming::Kind::none);
  EXPECT_EQ(body("Content-Length: 0\r\n").kind, BodyFraming::Kind::none);
  EXPECT_EQ(body("Content-Length: 5\r\n").kind, BodyFraming::Kind::length);
  EXPECT_EQ(body("Content-Length: 0005\r\n").length, 5U);
  EXPECT_EQ(body("Content-Length: 18446744073709551615\r\n").length, 18446744073709551615U);
  EXPECT_EQ(body("Transfer-Encoding: Chunked\r\n").kind, BodyFraming::Kind::chunked);
}

TEST(HttpRequest, SplitAnywhereGivesTheSameHead) {
  const std::string expected = summary(parse_request(kUpgrade));
  for (std::size_t cut = 0; cut <= kUpgrade.size(); ++cut) {
    EXPECT_EQ(summary(parse_request_cut(kUpgrade, cut)), expected) << "cut at " << cut;
  }
}

TEST(HttpRequest, ByteByByteGivesTheSameHead) {
  std::size_t scanned = 0;
  for (std::size_t size = 0; size < kUpgrade.size(); ++size) {
    const auto result = parse_request_head(as_bytes(kUpgrade.substr(0, size)), scanned, {});
    ASSERT_TRUE(result && !*result) << size;
    ASSERT_LE(scanned, size);
  }
  EXPECT_EQ(summary(parse_request_head(as_bytes(kUpgrade), scanned, {})), summary(parse_request(kUpgrade)));
}

TEST(HttpRequest, PipelinedHeadsAreTakenOneByOne) {
  std::string input;
  for (int i = 0; i < 5; ++i) input += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n\r\n";
  std::string_view rest = input;
  for (int i = 0; i < 5; ++i) {
    const RequestHead head = accepted(rest);
    EXPECT_EQ(head.path, "/" + std::to_string(i));
    rest.remove_prefix(head.head_bytes);
  }
  EXPECT_TRUE(rest.empty());
}

// A TLS ClientHello and an open frame, whose senders wait for an answer and may never send a line feed.
TEST(HttpRequest, WhatNoRequestBeginsWithIsRefusedAtOnce) {
  for (const std::string_view first : {"\x16", "\x16\x03\x01\x02", "\x01\x0DPLT1", "\r\n\x16"}) {
    EXPECT_EQ(refused(first), Error::bad_method);
  }
  for (const std::string_view first : {"", "\r", "\r\n", "\r\nG", "!", "P"}) EXPECT_EQ(refused(first), std::nullopt);
}

TEST(HttpRequest, RequestLineLimitOnBothSides) {
  Limits limits;
  limits.request_line_bytes_max = 40;
  const auto with_line = [](std::size_t size) {
    return "GET /" + std::string(size - 14, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n";
  };
  EXPECT_EQ(accepted(with_line(40), limits).target.size(), 27U);
  EXPECT_EQ(refused(with_line(41), limits), Error::request_line_too_long);
}

TEST(HttpRequest, RequestLineLimitHoldsBeforeTheLineIsWhole) {
  Limits limits;
  limits.request_line_bytes_max = 40;
  EXPECT_EQ(refused(std::string(41, 'x'), limits), std::nullopt);
  EXPECT_EQ(refused(std::string(42, 'x'), limits), Error::request_line_too_long);
}

TEST(HttpRequest, HeaderBytesLimitOnBothSides) {
  Limits limits;
  limits.header_bytes_max = 50;
  const auto with_fields = [](std::size_t size) {
    return "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(size - 14, 'x') + "\r\n\r\n";
  };
  EXPECT_EQ(accepted(with_fields(50), limits).fields.size(), 2U);
  EXPECT_EQ(refused(with_fields(51), limits), Error::header_too_large);
}

TEST(HttpRequest, HeaderBytesLimitHoldsBeforeTheHeadIsWhole) {
  Limits limits;
  limits.header_bytes_max = 50;
  const std::string line = "GET / HTTP/1.1\r\n";
  EXPECT_EQ(refused(line + std::string(51, 'x'), limits), std::nullopt);
  EXPECT_EQ(refused(line + std::string(52, 'x'), limits), Error::header_too_large);
}

TEST(HttpRequest, HeaderCountLimitOnBothSides) {
  Limits limits;
  limits.header_count_max = 3;
  EXPECT_EQ(accepted("GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 2\r\n\r\n", limits).fields.size(), 3U);
  EXPECT_EQ(refused("GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n", limits), Error::too_many_fields);
}

TEST(HttpRequest, LimitsGiveTheSameErrorWhereverTheInputIsCut) {
  Limits limits;
  limits.request_line_bytes_max = 30;
  limits.header_bytes_max = 30;
  const std::string long_line = "GET /" + std::string(60, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::string long_header = "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(60, 'x') + "\n\r\n";
  for (const std::string& text : {long_line, long_header}) {
    const auto expected = refused(text, limits);
    ASSERT_TRUE(expected);
    for (std::size_t cut = 0; cut < text.size(); ++cut) {
      EXPECT_EQ(error_of(parse_request_cut(text, cut, limits)), expected) << "cut at " << cut;
    }
  }
}

TEST(HttpError, EveryErrorHasASentenceAndAStatus) {
  for (int i = 0; i <= static_cast<int>(Error::framing_field_given); ++i) {
    const auto error = static_cast<Error>(i);
    EXPECT_NE(describe(error).find("RFC"), std::string_view::npos) << i;
    EXPECT_THAT(status_of(error), testing::AnyOf(400, 413, 414, 431, 500, 501, 505)) << describe(error);
  }
  EXPECT_EQ(status_of(Error::unsupported_version), 505);
  EXPECT_EQ(status_of(Error::request_line_too_long), 414);
  EXPECT_EQ(status_of(Error::header_too_large), 431);
  EXPECT_EQ(status_of(Error::body_too_large), 413);
  EXPECT_EQ(status_of(Error::unknown_transfer_coding), 501);
}

}  // namespace
}  // namespace plait::http
