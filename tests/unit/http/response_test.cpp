#include "http/response.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "http/request_encoder.hpp"
#include "http_testing.hpp"

namespace plait::http {
namespace {

ResponseHead accepted_response(std::string_view text, std::string_view method = "GET") {
  auto result = parse_response(text, method);
  if (!result || !*result) {
    ADD_FAILURE() << (result ? "incomplete" : describe(result.error())) << "\nfor " << text;
    return {};
  }
  return std::move(**result);
}

std::optional<Error> refused_response(std::string_view text, std::string_view method = "GET") {
  return error_of(parse_response(text, method));
}

std::string encoded(const ResponseOptions& response) {
  core::VectorSink sink;
  const auto result = encode_response_head(sink, response);
  EXPECT_TRUE(result) << describe(result.error());
  return std::string{as_text(sink.bytes)};
}

TEST(HttpResponse, Rfc9112Section4StatusLine) {
  const ResponseHead head = accepted_response("HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nabc");
  EXPECT_EQ(head.status, 404);
  EXPECT_EQ(head.reason, "Not Found");
  EXPECT_EQ(head.head_bytes, 45U);
  EXPECT_EQ(accepted_response("HTTP/1.1 200 \r\n\r\n").reason, "");
  EXPECT_EQ(accepted_response("HTTP/1.0 200 OK\r\n\r\n").minor_version, 0);
}

TEST(HttpResponse, BadStatusLinesAreRefused) {
  for (const char* line : {"HTTP/1.1 200", "HTTP/1.1  200 OK", "HTTP/1.1 20 OK", "HTTP/1.1 2000 OK", "HTTP/1.1 099 X",
                           "HTTP/1.1 20x OK", "HTTP/1.1 200 O\rK"}) {
    EXPECT_EQ(refused_response(std::string{line} + "\r\n\r\n"), Error::bad_status_line) << line;
  }
  EXPECT_EQ(refused_response("HTTP/2.0 200 OK\r\n\r\n"), Error::unsupported_version);
  EXPECT_EQ(refused_response("ICY 200 OK\r\n\r\n"), Error::bad_version);
  EXPECT_EQ(refused_response("\r\nHTTP/1.1 200 OK\r\n\r\n"), Error::bad_status_line);
  EXPECT_EQ(refused_response("HTTP/1.1 200 OK\nX: y\r\n\r\n"), Error::bare_line_feed);
}

TEST(HttpResponse, Rfc9112Section5_2AFoldedFieldIsRefused) {
  EXPECT_EQ(refused_response("HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n"), Error::obs_fold);
  EXPECT_EQ(refused_response("HTTP/1.1 200 OK\r\nX: a\r\n\tContent-Length: 5\r\n\r\n"), Error::obs_fold);
}

TEST(HttpResponse, Rfc9112Section6_3Rule1And2HaveNoBody) {
  const auto kind = [](std::string_view status, std::string_view method) {
    return accepted_response("HTTP/1.1 " + std::string{status} + " X\r\nContent-Length: 5\r\n\r\n", method).body.kind;
  };
  EXPECT_EQ(kind("200", "GET"), BodyFraming::Kind::length);
  EXPECT_EQ(kind("200", "HEAD"), BodyFraming::Kind::none);
  EXPECT_EQ(kind("200", "CONNECT"), BodyFraming::Kind::none);
  EXPECT_EQ(kind("407", "CONNECT"), BodyFraming::Kind::length);
  EXPECT_EQ(kind("100", "GET"), BodyFraming::Kind::none);
  EXPECT_EQ(kind("101", "GET"), BodyFraming::Kind::none);
  EXPECT_EQ(kind("204", "GET"), BodyFraming::Kind::none);
  EXPECT_EQ(kind("304", "GET"), BodyFraming::Kind::none);
}

TEST(HttpResponse, Rfc9112Section6_3OtherRules) {
  const std::string line = "HTTP/1.1 200 OK\r\n";
  EXPECT_EQ(accepted_response(line + "Transfer-Encoding: chunked\r\n\r\n").body.kind, BodyFraming::Kind::chunked);
  EXPECT_EQ(accepted_response(line + "Content-Length: 0\r\n\r\n").body.kind, BodyFraming::Kind::none);
  const ResponseHead until_close = accepted_response(line + "\r\n");
  EXPECT_EQ(until_close.body.kind, BodyFraming::Kind::until_close);
  EXPECT_FALSE(until_close.keep_alive);
  EXPECT_EQ(refused_response(line + "Transfer-Encoding: gzip\r\n\r\n"), Error::unknown_transfer_coding);
  EXPECT_EQ(refused_response(line + "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n"),
            Error::content_length_and_transfer_encoding);
  EXPECT_EQ(refused_response(line + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n"),
            Error::differing_content_lengths);
  EXPECT_EQ(refused_response("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
            Error::transfer_encoding_in_http_1_0);
}

TEST(HttpResponse, SplitAnywhereGivesTheSameHead) {
  const std::string_view text =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
  for (std::size_t cut = 0; cut < text.size(); ++cut) {
    std::size_t scanned = 0;
    const auto first = parse_response_head(as_bytes(text.substr(0, cut)), scanned, {}, "GET");
    ASSERT_TRUE(first && !*first) << cut;
    const auto second = parse_response_head(as_bytes(text), scanned, {}, "GET");
    ASSERT_TRUE(second && *second) << cut;
    EXPECT_EQ((*second)->status, 101);
    EXPECT_EQ((*second)->head_bytes, text.size());
    EXPECT_EQ((*second)->fields.find("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  }
}

TEST(HttpResponseEncoder, WritesStatusLineDateFieldsAndFraming) {
  const std::vector<Field> fields{{"Content-Type", "text/html"}};
  EXPECT_EQ(
      encoded({.fields = fields, .body = {BodyFraming::Kind::length, 1234}, .date = "Sun, 06 Nov 1994 08:49:37 GMT"}),
      "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/html\r\n"
      "Content-Length: 1234\r\n\r\n");
  EXPECT_EQ(encoded({.status = 404, .body = {BodyFraming::Kind::length, 0}, .keep_alive = false}),
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(encoded({.request_minor_version = 0}), "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(encoded({.status = 599}), "HTTP/1.1 599 \r\n\r\n");
}

TEST(HttpResponseEncoder, Rfc9110Section8_6NoFramingIn1xxAnd204) {
  EXPECT_EQ(encoded({.status = 204, .body = {BodyFraming::Kind::length, 0}}), "HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(encoded({.status = 100, .body = {BodyFraming::Kind::length, 0}}), "HTTP/1.1 100 Continue\r\n\r\n");
}

TEST(HttpResponseEncoder, WritesNothingOfWhatItRefuses) {
  const auto refuses = [](const ResponseOptions& response) {
    core::VectorSink sink;
    const auto error = error_of(encode_response_head(sink, response));
    EXPECT_TRUE(sink.bytes.empty());
    return error;
  };
  const auto with = [&](std::string_view name, std::string_view value) {
    const std::vector<Field> fields{{name, value}};
    return refuses({.fields = fields});
  };
  EXPECT_EQ(with("X", "a\r\nSet-Cookie: b"), Error::bad_field_value);
  EXPECT_EQ(with("X", "a\n"), Error::bad_field_value);
  EXPECT_EQ(with("X", "a\r"), Error::bad_field_value);
  EXPECT_EQ(with("X", std::string_view{"\0", 1}), Error::bad_field_value);
  EXPECT_EQ(with("X: y\r\nZ", "a"), Error::bad_field_name);
  EXPECT_EQ(with("", "a"), Error::bad_field_name);
  EXPECT_EQ(with("content-length", "1"), Error::framing_field_given);
  EXPECT_EQ(with("Transfer-Encoding", "chunked"), Error::framing_field_given);
  EXPECT_EQ(refuses({.status = 99}), Error::bad_status);
  EXPECT_EQ(refuses({.status = 600}), Error::bad_status);
  EXPECT_EQ(refuses({.date = "x\r\n"}), Error::bad_field_value);
}

TEST(HttpResponseEncoder, EveryStatusRoundTripsWithLongFields) {
  const std::string long_value(5000, 'v');
  const std::vector<Field> fields{{"X-Long", long_value}, {"Empty", ""}};
  for (int status = 100; status <= 599; ++status) {
    const std::string text = encoded({.status = status,
                                      .fields = fields,
                                      .body = {BodyFraming::Kind::length, ~std::uint64_t{0}},
                                      .keep_alive = false,
                                      .date = "Sun, 06 Nov 1994 08:49:37 GMT"});
    const ResponseHead head = accepted_response(text);
    EXPECT_EQ(head.status, status);
    EXPECT_EQ(head.reason, reason_phrase(status));
    EXPECT_EQ(head.fields.find("X-Long"), long_value);
    EXPECT_EQ(head.fields.find("Empty"), "");
    EXPECT_FALSE(head.keep_alive);
    EXPECT_EQ(head.head_bytes, text.size());
  }
}

TEST(HttpRequestEncoder, WhatItWritesParsesBack) {
  const std::vector<Field> fields{{"Upgrade", "websocket"}, {"Connection", "Upgrade"}};
  core::VectorSink sink;
  ASSERT_TRUE(encode_request_head(sink, {.target = "/chat?x=1", .host = "[::1]:8080", .fields = fields}));
  EXPECT_EQ(as_text(sink.bytes),
            "GET /chat?x=1 HTTP/1.1\r\nHost: [::1]:8080\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
  const auto head = parse_request(as_text(sink.bytes));
  ASSERT_TRUE(head && *head);
  EXPECT_EQ((*head)->query, "x=1");
}

TEST(HttpRequestEncoder, WritesNothingOfWhatItRefuses) {
  const auto refuses = [](const RequestOptions& request) {
    core::VectorSink sink;
    const auto error = error_of(encode_request_head(sink, request));
    EXPECT_TRUE(sink.bytes.empty());
    return error;
  };
  const std::vector<Field> split{{"X", "a\r\nY: b"}};
  const std::vector<Field> host{{"Host", "b"}};
  EXPECT_EQ(refuses({.method = "GET /x", .host = "a"}), Error::bad_method);
  EXPECT_EQ(refuses({.target = "/ HTTP/1.1\r\nX:", .host = "a"}), Error::bad_target);
  EXPECT_EQ(refuses({.host = "a\r\nX: y"}), Error::bad_host);
  EXPECT_EQ(refuses({.host = "a", .fields = split}), Error::bad_field_value);
  EXPECT_EQ(refuses({.host = "a", .fields = host}), Error::framing_field_given);
}

}  // namespace
}  // namespace plait::http
