// Malformed messages (RFC 9114 §4.1.2): one test per rule, each asserting which one fired.
#include "h3/message.hpp"

#include <gtest/gtest.h>

#include "unit/h3/h3_testing.hpp"

namespace plait::h3 {
namespace {

// A GET without the line of that name.
HeadLines get_without(std::string_view name) {
  HeadLines lines = get_lines();
  std::erase_if(lines, [name](const auto& line) { return line.first == name; });
  return lines;
}

HeadLines get_with(std::string_view name, std::string_view value) {
  HeadLines lines = get_lines();
  for (auto& line : lines) {
    if (line.first == name) line.second = value;
  }
  return lines;
}

std::optional<Error> field_error(std::string_view name, std::string_view value) {
  return request_error(get_lines() + HeadLines{{name, value}});
}

Buffer response(const HeadLines& lines) { return headers(lines); }

TEST(H3Message, WhatIsRight) {
  EXPECT_EQ(request_error(get_lines()), std::nullopt);
  EXPECT_EQ(request_error(get_lines("/a?b=%20") + HeadLines{{"accept", "*/*"}, {"te", "trailers"}, {"x", ""}}),
            std::nullopt);
  EXPECT_EQ(request_error(connect_lines()), std::nullopt);
  EXPECT_EQ(request_error({{":method", "CONNECT"}, {":authority", "example.org:80"}}), std::nullopt);
}

TEST(H3Message, Section10_3_FieldNamesAreTokens) {
  for (const std::string_view name : {"a b", "a:b", "", "a\n", "\x80"}) {
    EXPECT_EQ(field_error(name, "x"), Error::field_name_invalid) << name;
  }
}

TEST(H3Message, Section4_2_FieldNamesAreLowerCase) {
  EXPECT_EQ(field_error("Accept", "x"), Error::field_name_uppercase);
}

TEST(H3Message, Section10_3_FieldValues) {
  const std::string_view zero{"a\0b", 3};
  for (const std::string_view value : {zero, std::string_view{"a\rb"}, std::string_view{"a\nb"}, std::string_view{" a"},
                                       std::string_view{"a\t"}, std::string_view{"\x7F"}}) {
    EXPECT_EQ(field_error("x", value), Error::field_value_invalid);
  }
  EXPECT_EQ(field_error("x", "a b\tc \xE9"), std::nullopt);
  EXPECT_EQ(request_error(get_with(":path", "/\r\n")), Error::field_value_invalid);
}

TEST(H3Message, Section4_2_FieldsOfTheConnection) {
  for (const std::string_view name : {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"}) {
    EXPECT_EQ(field_error(name, "x"), Error::connection_specific_field) << name;
  }
}

TEST(H3Message, Section4_2_TeIsTrailersOrNothing) { EXPECT_EQ(field_error("te", "gzip"), Error::te_invalid); }

TEST(H3Message, Section4_3_UnknownPseudoHeaders) {
  EXPECT_EQ(request_error(HeadLines{{":other", "x"}} + get_lines()), Error::pseudo_header_unknown);
  EXPECT_EQ(request_error(HeadLines{{":status", "200"}} + get_lines()), Error::pseudo_header_unknown);
  EXPECT_EQ(response_error(response({{":status", "200"}, {":path", "/"}})), Error::pseudo_header_unknown);
}

TEST(H3Message, Section4_3_RepeatedPseudoHeaders) {
  for (const auto& line : connect_lines()) {
    EXPECT_EQ(request_error(connect_lines() + HeadLines{line}), Error::pseudo_header_repeated) << line.first;
  }
  EXPECT_EQ(response_error(response({{":status", "200"}, {":status", "200"}})), Error::pseudo_header_repeated);
}

TEST(H3Message, Section4_3_PseudoHeadersComeFirst) {
  EXPECT_EQ(request_error(HeadLines{{"x", "y"}} + get_lines()), Error::pseudo_header_after_field);
  EXPECT_EQ(response_error(response({{"x", "y"}, {":status", "200"}})), Error::pseudo_header_after_field);
}

TEST(H3Message, Section4_3_NoPseudoHeadersInTrailers) {
  EXPECT_EQ(server_error({{0, headers(get_lines()) + headers({{":path", "/"}})}}), Error::pseudo_header_in_trailers);
  EXPECT_EQ(server_error({{0, headers(get_lines()) + headers({{"X", "y"}})}}), Error::field_name_uppercase);
}

TEST(H3Message, Section4_3_1_MethodSchemeAndPathMustBeThere) {
  for (const std::string_view name : {":method", ":scheme", ":path"}) {
    EXPECT_EQ(request_error(get_without(name)), Error::pseudo_header_missing) << name;
  }
  EXPECT_EQ(request_error({{":method", "CONNECT"}}), Error::pseudo_header_missing);
  EXPECT_EQ(response_error(response({{"x", "y"}})), Error::pseudo_header_missing);
}

TEST(H3Message, Section4_4_ConnectHasNoSchemeAndNoPath) {
  const HeadLines connect{{":method", "CONNECT"}, {":authority", "example.org:80"}};
  EXPECT_EQ(request_error(connect + HeadLines{{":scheme", "https"}}), Error::pseudo_header_with_connect);
  EXPECT_EQ(request_error(connect + HeadLines{{":path", "/"}}), Error::pseudo_header_with_connect);
}

TEST(H3Message, Rfc8441Section4_ProtocolIsForConnect) {
  EXPECT_EQ(request_error(get_lines() + HeadLines{{":protocol", "webtransport"}}), Error::protocol_without_connect);
}

TEST(H3Message, Rfc8441Section4_ExtendedConnectHasSchemeAndPath) {
  for (const std::string_view name : {":scheme", ":path"}) {
    HeadLines lines = connect_lines();
    std::erase_if(lines, [name](const auto& line) { return line.first == name; });
    EXPECT_EQ(request_error(lines), Error::pseudo_header_missing) << name;
  }
}

TEST(H3Message, Rfc9220Section3_ProtocolOnlyIfWeAllowedIt) {
  EXPECT_EQ(error_of(Role::server, {{0, headers(connect_lines())}}, http3_settings()), Error::protocol_not_enabled);
}

TEST(H3Message, Section4_3_1_TheMethodIsAToken) {
  EXPECT_EQ(request_error(get_with(":method", "G T")), Error::method_invalid);
  EXPECT_EQ(request_error(get_with(":method", "")), Error::method_invalid);
}

TEST(H3Message, Section4_3_1_TheScheme) {
  for (const std::string_view scheme : {"", "1http", "ht tp"}) {
    EXPECT_EQ(request_error(get_with(":scheme", scheme)), Error::scheme_invalid) << scheme;
  }
}

TEST(H3Message, Section4_3_1_ThePathBeginsWithASlashOrIsAnAsterisk) {
  for (const std::string_view path : {"", "a", "*", "/a b", "/#f", "/..\\etc", "/a\\?b"}) {
    EXPECT_EQ(request_error(get_with(":path", path)), Error::path_invalid) << path;
  }
  EXPECT_EQ(request_error(get_with(":path", "/a?b\\c")), std::nullopt) << "as in HTTP/1.1, only the path counts";
  HeadLines options = get_with(":path", "*");
  options[0].second = "OPTIONS";
  EXPECT_EQ(request_error(options), std::nullopt);
}

TEST(H3Message, Section4_3_1_AuthorityOrHost) {
  EXPECT_EQ(request_error(get_without(":authority")), Error::authority_missing);
  EXPECT_EQ(request_error(get_without(":authority") + HeadLines{{"host", "example.org"}}), std::nullopt);
  EXPECT_EQ(field_error("host", "LOCALHOST:4433"), std::nullopt);
  EXPECT_EQ(field_error("host", "example.org"), Error::authority_differs_from_host);
}

TEST(H3Message, Rfc9110Section5_3_FieldsThatAreNoListsComeOnce) {
  for (const char* name : {"authorization", "origin", "host"}) {
    const HeadLines twice{{name, "localhost:4433"}, {"a", "b"}, {name, "localhost:4433"}};
    EXPECT_EQ(request_error(get_without("") + twice), Error::field_repeated) << name;
    EXPECT_EQ(field_error(name, "localhost:4433"), std::nullopt) << name;
  }
}

TEST(H3Message, Section4_3_1_TheAuthorityIsHostAndPort) {
  for (const std::string_view authority : {"", "user@localhost", "a b", "localhost:99999"}) {
    EXPECT_EQ(request_error(get_with(":authority", authority)), Error::authority_invalid) << authority;
  }
  EXPECT_EQ(request_error({{":method", "CONNECT"}, {":authority", "example.org"}}), Error::authority_invalid);
}

TEST(H3Message, Section4_3_2_StatusIsThreeDigits) {
  for (const std::string_view status : {"", "20", "2000", "2x0", "099", "600", "101"}) {
    EXPECT_EQ(response_error(response({{":status", status}})), Error::status_invalid) << status;
  }
  for (const std::string_view status : {"200", "404", "599"}) {
    EXPECT_EQ(response_error(response({{":status", status}})), std::nullopt) << status;
  }
}

TEST(H3Message, Section4_1_2_ContentLengthIsTheLengthOfTheContent) {
  const auto post = [](std::string_view length, const Buffer& content) {
    return server_error({{0, headers(post_lines() + HeadLines{{"content-length", length}}) + content, true}});
  };
  EXPECT_EQ(post("3", data("abc")), std::nullopt);
  EXPECT_EQ(post("3", data("a") + data("") + data("bc")), std::nullopt);
  EXPECT_EQ(post("3", data("ab")), Error::content_length_mismatch);
  EXPECT_EQ(post("3", data("ab") + data("cd")), Error::content_length_mismatch);
  EXPECT_EQ(post("3", {}), Error::content_length_mismatch);
  EXPECT_EQ(post("0", data("a")), Error::content_length_mismatch);
  EXPECT_EQ(post("0", {}), std::nullopt);
}

TEST(H3Message, Rfc9110Section8_6_ContentLengthIsANumber) {
  for (const std::string_view length : {"", "-1", "1,1", "x", "18446744073709551616"}) {
    EXPECT_EQ(field_error("content-length", length), Error::content_length_invalid) << length;
  }
  const HeadLines twice{{"content-length", "0"}, {"content-length", "0"}};
  EXPECT_EQ(request_error(get_lines() + twice), Error::content_length_invalid);
}

TEST(H3Message, Rfc9110Section8_6_SomeResponsesHaveALengthAndNoContent) {
  const HeadLines length{{"content-length", "5"}};
  EXPECT_EQ(response_error(response(HeadLines{{":status", "200"}} + length)), Error::content_length_mismatch);
  EXPECT_EQ(response_error(response(HeadLines{{":status", "200"}} + length), "HEAD"), std::nullopt);
  EXPECT_EQ(response_error(response(HeadLines{{":status", "304"}} + length)), std::nullopt);
}

TEST(H3Message, Section4_1_ARequestMustBeWhole) {
  EXPECT_EQ(server_error({{0, {}, true}}), Error::request_incomplete);
  EXPECT_EQ(server_error({{0, frame(0x21), true}}), Error::request_incomplete);
  Endpoint server{Role::server};
  server.feed(0, bytes_of({0x01, 0x20, 0x00}));
  server.connection.handle_stream_reset(0, code::kRequestCancelled);
  EXPECT_EQ(server.recorder.error, Error::request_incomplete);
}

TEST(H3Message, Section4_1_AResponseMustBeFinal) {
  EXPECT_EQ(response_error({}), Error::response_incomplete);
  EXPECT_EQ(response_error(response({{":status", "100"}})), Error::response_incomplete);
}

TEST(H3Message, Section4_2_2_FieldSectionsAreBounded) {
  const std::string large(kFieldSectionBytesMax - 300, 'x');
  EXPECT_EQ(field_error("x", large), std::nullopt);
  const std::string too_large(kFieldSectionBytesMax, 'x');
  EXPECT_EQ(field_error("x", too_large), Error::field_section_too_large);
  EXPECT_EQ(server_error({{0, varint(0x01) + varint(kFieldSectionBytesMax + 1)}}), Error::field_section_too_large);
  HeadLines many = get_lines();
  for (int i = 0; i < 1800; ++i) many.emplace_back("cookie", "");  // one byte each on the wire, and one field in all
  EXPECT_EQ(request_error(many), Error::field_section_too_large);
}

TEST(H3Message, TooManyFieldsAreARequestThatIsAnswered) {
  const HeadLines many(101, {"age", "0"});
  Endpoint server{Role::server};
  server.feed(0, headers(get_lines() + many) + data("content"), true);
  EXPECT_EQ(server.recorder.log, (Log{"too many fields 0", "data 0", "fin 0"}));
  EXPECT_TRUE(server.connection.respond(0, 431, {}, true).has_value());
  EXPECT_TRUE(server.streams.streams[0].fin);
  server.feed(4, headers(get_lines() + HeadLines(100, {"age", "0"})));
  EXPECT_EQ(server.recorder.error, std::nullopt);
  server.feed(4, headers(many));
  EXPECT_EQ(server.recorder.error, Error::too_many_fields) << "as trailers they are not";
  EXPECT_EQ(response_error(response(HeadLines{{":status", "200"}} + many)), Error::too_many_fields);
}

TEST(H3Message, UnfinishedFieldSectionsAreBoundedTogether) {
  Endpoint server{Role::server};
  const Buffer part(kFieldSectionBytesMax - 1, 0);
  for (const StreamId id : {0, 4, 8, 12}) server.feed(id, varint(0x01) + varint(kFieldSectionBytesMax) + part);
  EXPECT_EQ(server.recorder.error, std::nullopt);
  server.connection.handle_stream_reset(4, code::kRequestCancelled);
  EXPECT_EQ(server.recorder.error, Error::request_incomplete);
  server.feed(16, varint(0x01) + varint(kFieldSectionBytesMax) + part);
  EXPECT_EQ(server.recorder.error, Error::request_incomplete) << "what was reset counts no more";
  server.feed(20, varint(0x01) + varint(kFieldSectionBytesMax) + part);
  EXPECT_EQ(server.recorder.error, Error::field_sections_too_large);
}

TEST(H3Message, AStreamErrorLeavesTheConnectionAndDiscardsTheRest) {
  Endpoint server{Role::server};
  const Buffer bad = headers(get_without(":path")) + data("content");
  server.feed(0, bad);
  server.feed(0, data("more"), true);
  server.feed(4, headers(get_lines()), true);
  EXPECT_EQ(server.recorder.log,
            (Log{"stream error 0 pseudo-header is missing", "request 4 GET https localhost:4433 / ", "fin 4"}));
  EXPECT_EQ(server.streams.streams[0].consumed, bad.size() + data("more").size());
}

}  // namespace
}  // namespace plait::h3
