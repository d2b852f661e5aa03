// What RFC 9114, 9204, 9220, 9297 and the draft of WebTransport demand for each rule, written down apart from the table
// under test: RFC 9114 §8.1, RFC 9204 §6 and RFC 9297 §5.2 have the numbers.
#include <algorithm>
#include <iterator>

#include "unit/h3/h3_testing.hpp"

namespace plait::h3 {
namespace {

enum class Ends : std::uint8_t { connection, stream };
constexpr Ends kConnection = Ends::connection;
constexpr Ends kStream = Ends::stream;

struct Demand {
  Error error;
  Ends ends;
  std::uint64_t code;
};

constexpr Demand kDemands[] = {
    {Error::control_stream_repeated, kConnection, 0x103},
    {Error::qpack_stream_repeated, kConnection, 0x103},
    {Error::critical_stream_closed, kConnection, 0x104},
    {Error::push_stream_from_client, kConnection, 0x103},
    {Error::push_stream_not_allowed, kConnection, 0x108},
    {Error::server_bidirectional_stream, kConnection, 0x103},
    {Error::too_many_streams, kConnection, 0x107},
    {Error::frame_truncated, kConnection, 0x106},
    {Error::frame_malformed, kConnection, 0x106},
    {Error::frame_of_http2, kConnection, 0x105},
    {Error::control_frame_too_large, kConnection, 0x107},
    {Error::settings_missing, kConnection, 0x10A},
    {Error::settings_repeated, kConnection, 0x105},
    {Error::frame_on_control_stream, kConnection, 0x105},
    {Error::frame_on_request_stream, kConnection, 0x105},
    {Error::data_before_headers, kConnection, 0x105},
    {Error::frame_after_trailers, kConnection, 0x105},
    {Error::frame_after_connect, kConnection, 0x105},
    {Error::push_promise_from_client, kConnection, 0x105},
    {Error::push_promise_not_allowed, kConnection, 0x108},
    {Error::max_push_id_from_server, kConnection, 0x105},
    {Error::max_push_id_reduced, kConnection, 0x108},
    {Error::cancel_push_unknown, kConnection, 0x108},
    {Error::goaway_id_invalid, kConnection, 0x108},
    {Error::goaway_id_increased, kConnection, 0x108},
    {Error::setting_repeated, kConnection, 0x109},
    {Error::setting_of_http2, kConnection, 0x109},
    {Error::setting_value_invalid, kConnection, 0x109},
    {Error::datagrams_without_transport, kConnection, 0x109},
    {Error::qpack_decompression_failed, kConnection, 0x200},
    {Error::qpack_encoder_stream, kConnection, 0x201},
    {Error::qpack_decoder_stream, kConnection, 0x202},
    {Error::datagram_malformed, kConnection, 0x33},
    {Error::session_id_invalid, kConnection, 0x108},
    {Error::webtransport_frame_not_first, kConnection, 0x106},
    {Error::field_sections_too_large, kConnection, 0x107},
    {Error::field_section_too_large, kStream, 0x107},
    {Error::too_many_fields, kStream, 0x107},
    {Error::request_incomplete, kStream, 0x10D},
    {Error::request_rejected, kStream, 0x10B},
    {Error::response_incomplete, kStream, 0x10E},
    {Error::field_name_invalid, kStream, 0x10E},
    {Error::field_name_uppercase, kStream, 0x10E},
    {Error::field_value_invalid, kStream, 0x10E},
    {Error::connection_specific_field, kStream, 0x10E},
    {Error::te_invalid, kStream, 0x10E},
    {Error::pseudo_header_unknown, kStream, 0x10E},
    {Error::pseudo_header_repeated, kStream, 0x10E},
    {Error::pseudo_header_after_field, kStream, 0x10E},
    {Error::pseudo_header_in_trailers, kStream, 0x10E},
    {Error::pseudo_header_missing, kStream, 0x10E},
    {Error::pseudo_header_with_connect, kStream, 0x10E},
    {Error::protocol_without_connect, kStream, 0x10E},
    {Error::protocol_not_enabled, kStream, 0x10E},
    {Error::method_invalid, kStream, 0x10E},
    {Error::scheme_invalid, kStream, 0x10E},
    {Error::path_invalid, kStream, 0x10E},
    {Error::authority_missing, kStream, 0x10E},
    {Error::authority_invalid, kStream, 0x10E},
    {Error::authority_differs_from_host, kStream, 0x10E},
    {Error::field_repeated, kStream, 0x10E},
    {Error::status_invalid, kStream, 0x10E},
    {Error::content_length_invalid, kStream, 0x10E},
    {Error::content_length_mismatch, kStream, 0x10E},
};

const Demand& demand_of(Error error) {
  const Demand* found = std::ranges::find(kDemands, error, &Demand::error);
  EXPECT_NE(found, std::end(kDemands));
  return *found;
}

}  // namespace

std::uint64_t standard_code_of(Error error) { return demand_of(error).code; }
bool ends_connection(Error error) { return demand_of(error).ends == Ends::connection; }

}  // namespace plait::h3
