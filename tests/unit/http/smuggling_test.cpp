// Requests that two recipients are known to read differently (request smuggling). Each must be refused by the rule
// named, or be read in the one way that RFC 9112 leaves open. First head, then, if it is chunked, the body.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

#include "http/body_decoder.hpp"
#include "http_testing.hpp"

namespace plait::http {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::uint64_t kBodyMax = 1 << 20;

struct Case {
  const char* name;
  std::string_view text;
  std::optional<Error> error;
  std::string_view body{};  ///< decoded, if accepted
  std::string_view rest{};  ///< what is left for the next request, if accepted
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

#define POST "POST / HTTP/1.1\r\nHost: a\r\n"
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"

const Case kCases[] = {
    // Both lengths: CL.TE and TE.CL
    {"cl_te", POST "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG",
     Error::content_length_and_transfer_encoding},
    {"te_cl", POST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n8\r\nSMUGGLED\r\n0\r\n\r\n",
     Error::content_length_and_transfer_encoding},
    {"cl_0_te", POST "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     Error::content_length_and_transfer_encoding},
    {"te_empty_cl", POST "Transfer-Encoding: chunked\r\nContent-Length:\r\n\r\n0\r\n\r\n",
     Error::content_length_and_transfer_encoding},
    // TE.TE: a Transfer-Encoding that only one side takes for chunked
    {"te_xchunked", POST "Transfer-Encoding: xchunked\r\n\r\n", Error::chunked_not_last},
    {"te_identity", POST "Transfer-Encoding: identity\r\n\r\n", Error::chunked_not_last},
    {"te_empty", POST "Transfer-Encoding:\r\n\r\n", Error::bad_transfer_encoding},
    {"te_quoted", POST "Transfer-Encoding: \"chunked\"\r\n\r\n", Error::bad_transfer_encoding},
    {"te_parameter", POST "Transfer-Encoding: chunked;q=1\r\n\r\n", Error::bad_transfer_encoding},
    {"te_two_words", POST "Transfer-Encoding: chunked x\r\n\r\n", Error::bad_transfer_encoding},
    {"te_trailing_comma", POST "Transfer-Encoding: chunked,\r\n\r\n", Error::bad_transfer_encoding},
    {"te_leading_comma", POST "Transfer-Encoding: ,chunked\r\n\r\n", Error::bad_transfer_encoding},
    {"te_vertical_tab",
     POST "Transfer-Encoding: \x0b"
          "chunked\r\n\r\n",
     Error::bad_field_value},
    {"te_nul", POST "Transfer-Encoding: chunked\0\r\n\r\n"sv, Error::bad_field_value},
    {"te_non_breaking_space",
     POST "Transfer-Encoding: \xa0"
          "chunked\r\n\r\n",
     Error::bad_transfer_encoding},
    {"te_chunked_then_identity", POST "Transfer-Encoding: chunked, identity\r\n\r\n", Error::chunked_not_last},
    {"te_chunked_twice", POST "Transfer-Encoding: chunked, chunked\r\n\r\n", Error::chunked_repeated},
    {"te_chunked_in_two_fields", POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
     Error::chunked_repeated},
    {"te_second_field_hides_first", POST "Transfer-Encoding: chunked\r\nTransfer-encoding: cow\r\n\r\n",
     Error::chunked_not_last},
    {"te_gzip_chunked", POST "Transfer-Encoding: gzip, chunked\r\n\r\n", Error::unknown_transfer_coding},
    {"te_http_1_0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     Error::transfer_encoding_in_http_1_0},
    {"te_space_before_colon", POST "Transfer-Encoding : chunked\r\n\r\n", Error::whitespace_before_colon},
    {"te_tab_before_colon", POST "Transfer-Encoding\t: chunked\r\n\r\n", Error::whitespace_before_colon},
    {"te_leading_space", POST " Transfer-Encoding: chunked\r\n\r\n", Error::obs_fold},
    {"te_folded_value", POST "Transfer-Encoding:\r\n chunked\r\n\r\n", Error::obs_fold},
    {"te_first_line_indented", "POST / HTTP/1.1\r\n Transfer-Encoding: chunked\r\nHost: a\r\n\r\n",
     Error::whitespace_before_first_field},
    {"te_behind_bare_lf", POST "X: y\nTransfer-Encoding: chunked\r\n\r\n", Error::bare_line_feed},
    {"te_behind_bare_cr", POST "X: y\rTransfer-Encoding: chunked\r\n\r\n", Error::bare_carriage_return},
    {"te_cr_in_name", POST "X\rTransfer-Encoding: chunked\r\n\r\n", Error::bare_carriage_return},
    {"te_nul_in_name", POST "Transfer-Encoding\0: chunked\r\n\r\n"sv, Error::bad_field_name},
    {"te_underscore_is_another_field", POST "Transfer_Encoding: chunked\r\nContent-Length: 1\r\n\r\nxy", {}, "x", "y"},
    {"te_with_spaces_around", POST "Transfer-Encoding: \t chunked \t \r\n\r\n1\r\nx\r\n0\r\n\r\ny", {}, "x", "y"},
    {"te_upper_case", POST "TRANSFER-ENCODING: CHUNKED\r\n\r\n1\r\nx\r\n0\r\n\r\ny", {}, "x", "y"},
    // Content-Length that two parsers read differently
    {"cl_plus", POST "Content-Length: +5\r\n\r\nhello", Error::bad_content_length},
    {"cl_minus", POST "Content-Length: -5\r\n\r\nhello", Error::bad_content_length},
    {"cl_hexadecimal", POST "Content-Length: 0x5\r\n\r\nhello", Error::bad_content_length},
    {"cl_decimal_point", POST "Content-Length: 5.0\r\n\r\nhello", Error::bad_content_length},
    {"cl_inner_space", POST "Content-Length: 1 5\r\n\r\nhello", Error::bad_content_length},
    {"cl_trailing_word", POST "Content-Length: 5 bytes\r\n\r\nhello", Error::bad_content_length},
    {"cl_empty", POST "Content-Length:\r\n\r\n", Error::bad_content_length},
    {"cl_list_same", POST "Content-Length: 5, 5\r\n\r\nhello", Error::bad_content_length},
    {"cl_list_differs", POST "Content-Length: 5,6\r\n\r\nhello", Error::bad_content_length},
    {"cl_twice_differs", POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", Error::differing_content_lengths},
    {"cl_twice_same", POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", Error::repeated_content_length},
    {"cl_wraps_64_bits", POST "Content-Length: 18446744073709551621\r\n\r\nhello", Error::content_length_too_large},
    {"cl_wraps_many_times", POST "Content-Length: 99999999999999999999999999999999999999\r\n\r\n",
     Error::content_length_too_large},
    {"cl_arabic_digit", POST "Content-Length: \xd9\xa5\r\n\r\nhello", Error::bad_content_length},
    {"cl_leading_zeros", POST "Content-Length: 005\r\n\r\nhelloX", {}, "hello", "X"},
    {"get_with_body", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhiX", {}, "hi", "X"},
    {"no_length_has_no_body", POST "\r\nGET / HTTP/1.1\r\n", {}, "", "GET / HTTP/1.1\r\n"},
    // Line ends and start lines
    {"bare_lf_everywhere", "POST / HTTP/1.1\nHost: a\n\n", Error::bare_line_feed},
    {"head_ends_in_lf_lf", POST "X: y\r\n\n", Error::bare_line_feed},
    {"head_ends_in_cr_cr_lf", POST "X: y\r\n\r\r\n\r\n", Error::bare_carriage_return},
    {"cr_in_target", "GET /\rX HTTP/1.1\r\nHost: a\r\n\r\n", Error::bare_carriage_return},
    {"http_0_9", "GET /\r\nHost: a\r\n\r\n", Error::bad_request_line},
    {"no_target", "GET HTTP/1.1\r\nHost: a\r\n\r\n", Error::bad_request_line},
    {"two_spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", Error::bad_target},
    {"tab_for_space", "GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n", Error::bad_request_line},
    {"leading_space", " GET / HTTP/1.1\r\nHost: a\r\n\r\n", Error::bad_method},
    {"trailing_space", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", Error::bad_version},
    {"space_in_target", "GET /a HTTP/1.1 HTTP/1.1\r\nHost: a\r\n\r\n", Error::bad_target},
    {"colon_in_method", "GET: / HTTP/1.1\r\nHost: a\r\n\r\n", Error::bad_method},
    {"lower_case_version", "GET / http/1.1\r\nHost: a\r\n\r\n", Error::bad_version},
    {"version_1_10", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", Error::bad_version},
    {"version_without_minor", "GET / HTTP/1\r\nHost: a\r\n\r\n", Error::bad_version},
    {"version_0_9", "GET / HTTP/0.9\r\nHost: a\r\n\r\n", Error::unsupported_version},
    {"http_2_preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Error::unsupported_version},
    {"fragment_in_target", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", Error::bad_target},
    {"non_ascii_target", "GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", Error::bad_target},
    {"backslash_in_path", "GET /..\\etc HTTP/1.1\r\nHost: a\r\n\r\n", Error::bad_target},
    {"relative_target", "GET a HTTP/1.1\r\nHost: a\r\n\r\n", Error::bad_target},
    {"asterisk_for_get", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", Error::bad_target},
    {"authority_form_for_get", "GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n", Error::bad_target},
    {"connect_with_path", "CONNECT /a HTTP/1.1\r\nHost: a\r\n\r\n", Error::bad_target},
    {"connect_without_port", "CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n", Error::bad_target},
    {"absolute_form_with_userinfo", "GET http://b@a/ HTTP/1.1\r\nHost: a\r\n\r\n", Error::bad_target},
    {"absolute_form_of_file", "GET file:///etc HTTP/1.1\r\nHost: a\r\n\r\n", Error::bad_target},
    {"absolute_form_without_host", "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", Error::bad_target},
    // Field lines
    {"line_without_colon", POST "SMUGGLED\r\n\r\n", Error::missing_colon},
    {"empty_name", POST ": x\r\n\r\n", Error::bad_field_name},
    {"space_in_name", POST "X Y: z\r\n\r\n", Error::bad_field_name},
    {"fold_continues_host", "GET / HTTP/1.1\r\nHost: a\r\n\tb\r\n\r\n", Error::obs_fold},
    {"nul_in_value", POST "X: a\0b\r\n\r\n"sv, Error::bad_field_value},
    {"delete_in_value", POST "X: a\x7f\r\n\r\n", Error::bad_field_value},
    {"two_hosts", POST "Host: b\r\n\r\n", Error::several_hosts},
    {"host_and_folded_host", "GET / HTTP/1.1\r\nHost: a\r\n Host: b\r\n\r\n", Error::obs_fold},
    // Chunked bodies
    {"chunk_size_prefix_0x", CHUNKED "0x5\r\nhello\r\n0\r\n\r\n", Error::bad_chunk_size},
    {"chunk_size_plus", CHUNKED "+5\r\nhello\r\n0\r\n\r\n", Error::bad_chunk_size},
    {"chunk_size_minus", CHUNKED "-1\r\nhello\r\n0\r\n\r\n", Error::bad_chunk_size},
    {"chunk_size_empty", CHUNKED "\r\nhello\r\n0\r\n\r\n", Error::bad_chunk_size},
    {"chunk_size_leading_space", CHUNKED " 5\r\nhello\r\n0\r\n\r\n", Error::bad_chunk_size},
    {"chunk_size_trailing_space", CHUNKED "5 \r\nhello\r\n0\r\n\r\n", Error::bad_chunk_size},
    {"chunk_size_underscore", CHUNKED "1_0\r\n0123456789abcdef\r\n0\r\n\r\n", Error::bad_chunk_size},
    {"chunk_size_17_digits", CHUNKED "00000000000000005\r\nhello\r\n0\r\n\r\n", Error::chunk_size_overflow},
    {"chunk_size_wraps", CHUNKED "10000000000000005\r\nhello\r\n0\r\n\r\n", Error::chunk_size_overflow},
    {"chunk_size_64_bits", CHUNKED "ffffffffffffffff\r\nhello", Error::body_too_large},
    {"chunk_size_bare_lf", CHUNKED "5\nhello\r\n0\r\n\r\n", Error::bare_line_feed},
    {"chunk_size_bare_cr", CHUNKED "5\rXhello\r\n0\r\n\r\n", Error::bare_carriage_return},
    {"chunk_extension_bare_lf", CHUNKED "2;\nxx\r\n0\r\n\r\n", Error::bare_line_feed},
    {"chunk_extension_bare_cr", CHUNKED "2;\rxx\r\n0\r\n\r\n", Error::bare_carriage_return},
    {"chunk_extension_nul", CHUNKED "2;a\0\r\nxx\r\n0\r\n\r\n"sv, Error::bad_chunk_extension},
    {"chunk_without_line_end", CHUNKED "5\r\nhello0\r\n\r\n", Error::missing_chunk_line_end},
    {"chunk_ends_in_lf", CHUNKED "5\r\nhello\n0\r\n\r\n", Error::missing_chunk_line_end},
    {"chunk_ends_in_any_two_bytes", CHUNKED "5\r\nhelloXX0\r\n\r\n", Error::missing_chunk_line_end},
    {"chunk_longer_than_its_size", CHUNKED "2\r\nhello\r\n0\r\n\r\n", Error::missing_chunk_line_end},
    {"last_chunk_ends_in_lf", CHUNKED "0\r\n\n", Error::bare_line_feed},
    {"last_chunk_ends_in_cr_x", CHUNKED "0\r\n\rX", Error::bare_carriage_return},
    {"trailer_is_a_request", CHUNKED "0\r\nGET / HTTP/1.1\r\n\r\n", Error::whitespace_before_colon},
    {"trailer_folded", CHUNKED "0\r\nX: y\r\n z\r\n\r\n", Error::obs_fold},
    {"trailer_bare_lf", CHUNKED "0\r\nX: y\nZ: z\r\n\r\n", Error::bare_line_feed},
    {"trailer_bare_cr", CHUNKED "0\r\nX: y\rZ: z\r\n\r\n", Error::bare_carriage_return},
    {"trailer_changes_no_framing", CHUNKED "1\r\nx\r\n0\r\nContent-Length: 9\r\n\r\ny", {}, "x", "y"},
    {"chunk_size_leading_zeros", CHUNKED "0001\r\nx\r\n000\r\n\r\ny", {}, "x", "y"},
    {"chunk_extension_quoted", CHUNKED "1 ; a=\"b;c\" ; d\r\nx\r\n0;e\r\n\r\ny", {}, "x", "y"},
};

// Parses head and body; gives the body back in `body` and removes both from `input`. Of a message that is not whole it
// leaves all in `input`.
std::optional<Error> read_message(std::string_view& input, std::string& body) {
  const auto head = parse_request(input);
  if (!head) return head.error();
  if (!*head) return std::nullopt;
  BodyDecoder decoder{(*head)->body, kBodyMax};
  ByteView bytes = as_bytes(input).subspan((*head)->head_bytes);
  for (bool done = false; !done;) {
    const auto chunk = decoder.decode(bytes);
    if (!chunk) return chunk.error();
    if (chunk->data.empty() && !chunk->done) return std::nullopt;
    body += as_text(chunk->data);
    done = chunk->done;
  }
  input = as_text(bytes);
  return std::nullopt;
}

class HttpSmuggling : public testing::TestWithParam<Case> {};

TEST_P(HttpSmuggling, IsRefusedOrReadInOneWay) {
  const Case& c = GetParam();
  std::string_view rest = c.text;
  std::string body;
  EXPECT_EQ(read_message(rest, body), c.error);
  if (c.error) return;
  EXPECT_EQ(body, c.body);
  EXPECT_EQ(rest, c.rest);
}

TEST_P(HttpSmuggling, CutAnywhereFailsTheHeadTheSameWay) {
  const Case& c = GetParam();
  const std::string expected = summary(parse_request(c.text));
  for (std::size_t cut = 0; cut < c.text.size(); ++cut) {
    ASSERT_EQ(summary(parse_request_cut(c.text, cut)), expected) << "cut at " << cut;
  }
}

INSTANTIATE_TEST_SUITE_P(Corpus, HttpSmuggling, testing::ValuesIn(kCases),
                         [](const auto& test) { return std::string{test.param.name}; });

}  // namespace
}  // namespace plait::http
