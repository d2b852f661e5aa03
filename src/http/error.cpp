#include "http/error.hpp"

#include <array>
#include <cstddef>

#include "core/error_rules.hpp"

namespace plait::http {
namespace {

struct Rule {
  Error error;
  int status;
  std::string_view sentence;
};

constexpr std::array kRules{
    Rule{Error::bare_line_feed, 400, "a line ends in LF without CR (RFC 9112 §2.2)"},
    Rule{Error::bare_carriage_return, 400, "CR without LF (RFC 9112 §2.2)"},
    Rule{Error::empty_lines_before_start, 400, "more than one empty line before the start line (RFC 9112 §2.2)"},
    Rule{Error::bad_request_line, 400, "the request line is not method SP target SP version (RFC 9112 §3)"},
    Rule{Error::request_line_too_long, 414, "the request line is longer than this server allows (RFC 9112 §3)"},
    Rule{Error::bad_method, 400, "the method is not a token (RFC 9110 §9.1)"},
    Rule{Error::bad_target, 400, "the request target has none of the four forms (RFC 9112 §3.2)"},
    Rule{Error::bad_version, 400, "the version is not HTTP/digit.digit (RFC 9112 §2.3)"},
    Rule{Error::unsupported_version, 505, "the major version is not 1 (RFC 9110 §15.6.6)"},
    Rule{Error::bad_status_line, 400, "the status line is not version SP 3 digits SP reason (RFC 9112 §4)"},
    Rule{Error::header_too_large, 431, "the header section is larger than allowed (RFC 6585 §5)"},
    Rule{Error::too_many_fields, 431, "more header fields than allowed (RFC 6585 §5)"},
    Rule{Error::whitespace_before_first_field, 400, "white space after the start line (RFC 9112 §2.2)"},
    Rule{Error::missing_colon, 400, "a field line has no colon (RFC 9112 §5)"},
    Rule{Error::bad_field_name, 400, "a field name is not a token (RFC 9110 §5.1)"},
    Rule{Error::whitespace_before_colon, 400, "white space between field name and colon (RFC 9112 §5.1)"},
    Rule{Error::bad_field_value, 400, "a control character in a field value (RFC 9110 §5.5)"},
    Rule{Error::obs_fold, 400, "a field line is folded (RFC 9112 §5.2)"},
    Rule{Error::missing_host, 400, "an HTTP/1.1 request has no Host (RFC 9112 §3.2)"},
    Rule{Error::several_hosts, 400, "more than one Host (RFC 9112 §3.2)"},
    Rule{Error::bad_host, 400, "Host is not host[:port] (RFC 9110 §7.2)"},
    Rule{Error::repeated_field, 400, "more than one Authorization or Origin (RFC 9110 §5.3)"},
    Rule{Error::content_length_and_transfer_encoding, 400, "both Content-Length and Transfer-Encoding (RFC 9112 §6.1)"},
    Rule{Error::bad_content_length, 400, "Content-Length is not a decimal number (RFC 9110 §8.6)"},
    Rule{Error::content_length_too_large, 413, "Content-Length does not fit 64 bits (RFC 9110 §8.6)"},
    Rule{Error::differing_content_lengths, 400, "Content-Length fields that differ (RFC 9112 §6.3)"},
    Rule{Error::repeated_content_length, 400, "Content-Length was sent twice (RFC 9110 §8.6)"},
    Rule{Error::bad_transfer_encoding, 400,
         "Transfer-Encoding is not a list of codings without parameters (RFC 9112 §6.1, §7.1)"},
    Rule{Error::chunked_not_last, 400, "the last transfer coding is not chunked (RFC 9112 §6.3)"},
    Rule{Error::chunked_repeated, 400, "chunked is applied twice (RFC 9112 §6.1)"},
    Rule{Error::unknown_transfer_coding, 501, "a transfer coding other than chunked (RFC 9112 §6.1)"},
    Rule{Error::transfer_encoding_in_http_1_0, 400, "Transfer-Encoding in an HTTP/1.0 message (RFC 9112 §6.1)"},
    Rule{Error::bad_chunk_size, 400, "a chunk size is not a hexadecimal number (RFC 9112 §7.1)"},
    Rule{Error::chunk_size_overflow, 413, "a chunk size has more than 16 digits (RFC 9112 §7.1)"},
    Rule{Error::bad_chunk_extension, 400, "a control character in a chunk extension (RFC 9112 §7.1.1)"},
    Rule{Error::chunk_extensions_too_long, 400, "the chunk extensions are longer than allowed (RFC 9112 §7.1.1)"},
    Rule{Error::missing_chunk_line_end, 400, "chunk data is not followed by CRLF (RFC 9112 §7.1)"},
    Rule{Error::trailer_too_large, 431, "the trailer section is larger than allowed (RFC 9112 §7.1.2)"},
    Rule{Error::body_too_large, 413, "the body is larger than allowed (RFC 9110 §15.5.14)"},
    Rule{Error::bad_status, 500, "a status code outside 100 to 599 (RFC 9110 §15)"},
    Rule{Error::framing_field_given, 500,
         "Content-Length, Transfer-Encoding or Host among the further fields (RFC 9112 §6)"},
};

static_assert(core::stand_in_order(kRules, Error::framing_field_given), "kRules is indexed by the enumerator");

}  // namespace

int status_of(Error error) { return kRules[static_cast<std::size_t>(error)].status; }

std::string_view describe(Error error) { return kRules[static_cast<std::size_t>(error)].sentence; }

}  // namespace plait::http
