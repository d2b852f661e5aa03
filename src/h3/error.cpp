#include "h3/error.hpp"

#include <array>
#include <cstddef>

namespace plait::h3 {
namespace {

enum class Scope : std::uint8_t { connection, stream };

struct Row {
  Error error;
  Scope scope;
  std::uint64_t wire_code;
  std::string_view text;
};

constexpr Scope kConnection = Scope::connection;
constexpr Scope kStream = Scope::stream;

constexpr std::array kRows{
    Row{Error::control_stream_repeated, kConnection, code::kStreamCreationError, "second control stream"},
    Row{Error::qpack_stream_repeated, kConnection, code::kStreamCreationError, "second QPACK stream of a kind"},
    Row{Error::critical_stream_closed, kConnection, code::kClosedCriticalStream, "critical stream closed"},
    Row{Error::push_stream_from_client, kConnection, code::kStreamCreationError, "push stream from a client"},
    Row{Error::push_stream_not_allowed, kConnection, code::kIdError, "push stream without MAX_PUSH_ID"},
    Row{Error::server_bidirectional_stream, kConnection, code::kStreamCreationError,
        "server-initiated bidirectional stream that is no WebTransport stream"},
    Row{Error::too_many_streams, kConnection, code::kExcessiveLoad, "too many streams"},

    Row{Error::frame_truncated, kConnection, code::kFrameError, "stream ends inside a frame"},
    Row{Error::frame_malformed, kConnection, code::kFrameError, "frame payload does not fit its fields"},
    Row{Error::frame_of_http2, kConnection, code::kFrameUnexpected, "frame type of HTTP/2"},
    Row{Error::control_frame_too_large, kConnection, code::kExcessiveLoad, "frame on the control stream is too large"},
    Row{Error::settings_missing, kConnection, code::kMissingSettings, "control stream does not begin with SETTINGS"},
    Row{Error::settings_repeated, kConnection, code::kFrameUnexpected, "second SETTINGS frame"},
    Row{Error::frame_on_control_stream, kConnection, code::kFrameUnexpected,
        "frame of a request on the control stream"},
    Row{Error::frame_on_request_stream, kConnection, code::kFrameUnexpected, "control frame on a request stream"},
    Row{Error::data_before_headers, kConnection, code::kFrameUnexpected, "DATA before HEADERS"},
    Row{Error::frame_after_trailers, kConnection, code::kFrameUnexpected, "frame after the trailer section"},
    Row{Error::frame_after_connect, kConnection, code::kFrameUnexpected, "frame other than DATA after CONNECT"},
    Row{Error::push_promise_from_client, kConnection, code::kFrameUnexpected, "PUSH_PROMISE from a client"},
    Row{Error::push_promise_not_allowed, kConnection, code::kIdError, "PUSH_PROMISE without MAX_PUSH_ID"},
    Row{Error::max_push_id_from_server, kConnection, code::kFrameUnexpected, "MAX_PUSH_ID from a server"},
    Row{Error::max_push_id_reduced, kConnection, code::kIdError, "MAX_PUSH_ID was reduced"},
    Row{Error::cancel_push_unknown, kConnection, code::kIdError, "CANCEL_PUSH of a push that was not promised"},
    Row{Error::goaway_id_invalid, kConnection, code::kIdError, "GOAWAY does not name a request stream"},
    Row{Error::goaway_id_increased, kConnection, code::kIdError, "GOAWAY with a larger ID than before"},

    Row{Error::setting_repeated, kConnection, code::kSettingsError, "setting is repeated"},
    Row{Error::setting_of_http2, kConnection, code::kSettingsError, "setting of HTTP/2"},
    Row{Error::setting_value_invalid, kConnection, code::kSettingsError, "setting is neither 0 nor 1"},
    Row{Error::datagrams_without_transport, kConnection, code::kSettingsError,
        "SETTINGS_H3_DATAGRAM without max_datagram_frame_size"},

    Row{Error::qpack_decompression_failed, kConnection, code::kQpackDecompressionFailed,
        "field section cannot be decoded"},
    Row{Error::qpack_encoder_stream, kConnection, code::kQpackEncoderStreamError,
        "QPACK encoder instruction needs a dynamic table"},
    Row{Error::qpack_decoder_stream, kConnection, code::kQpackDecoderStreamError,
        "QPACK decoder instruction acknowledges what was not sent"},

    Row{Error::datagram_malformed, kConnection, code::kDatagramError, "HTTP Datagram without a Quarter Stream ID"},
    Row{Error::session_id_invalid, kConnection, code::kIdError, "session ID is not that of a request stream"},
    Row{Error::webtransport_frame_not_first, kConnection, code::kFrameError,
        "WebTransport stream header inside a request stream"},
    Row{Error::field_sections_too_large, kConnection, code::kExcessiveLoad, "unfinished field sections are too large"},

    Row{Error::field_section_too_large, kStream, code::kExcessiveLoad, "field section is too large"},
    Row{Error::too_many_fields, kStream, code::kExcessiveLoad, "too many fields"},
    Row{Error::request_incomplete, kStream, code::kRequestIncomplete, "stream ended before a whole request"},
    Row{Error::request_rejected, kStream, code::kRequestRejected, "request after GOAWAY"},
    Row{Error::response_incomplete, kStream, code::kMessageError, "stream ended before a final response"},

    Row{Error::field_name_invalid, kStream, code::kMessageError, "field name is not a token"},
    Row{Error::field_name_uppercase, kStream, code::kMessageError, "field name has an upper-case letter"},
    Row{Error::field_value_invalid, kStream, code::kMessageError, "field value has a forbidden character"},
    Row{Error::connection_specific_field, kStream, code::kMessageError, "field of the connection"},
    Row{Error::te_invalid, kStream, code::kMessageError, "TE is not \"trailers\""},
    Row{Error::pseudo_header_unknown, kStream, code::kMessageError, "unknown pseudo-header"},
    Row{Error::pseudo_header_repeated, kStream, code::kMessageError, "pseudo-header is repeated"},
    Row{Error::pseudo_header_after_field, kStream, code::kMessageError, "pseudo-header after a field"},
    Row{Error::pseudo_header_in_trailers, kStream, code::kMessageError, "pseudo-header in a trailer section"},
    Row{Error::pseudo_header_missing, kStream, code::kMessageError, "pseudo-header is missing"},
    Row{Error::pseudo_header_with_connect, kStream, code::kMessageError, "CONNECT with :scheme or :path"},
    Row{Error::protocol_without_connect, kStream, code::kMessageError, ":protocol without CONNECT"},
    Row{Error::protocol_not_enabled, kStream, code::kMessageError, ":protocol is not enabled"},
    Row{Error::method_invalid, kStream, code::kMessageError, ":method is not a token"},
    Row{Error::scheme_invalid, kStream, code::kMessageError, ":scheme is not a scheme"},
    Row{Error::path_invalid, kStream, code::kMessageError, ":path is not a path"},
    Row{Error::authority_missing, kStream, code::kMessageError, "neither :authority nor Host"},
    Row{Error::authority_invalid, kStream, code::kMessageError, ":authority is not a host and port"},
    Row{Error::authority_differs_from_host, kStream, code::kMessageError, ":authority and Host differ"},
    Row{Error::field_repeated, kStream, code::kMessageError, "Authorization, Host or Origin is repeated"},
    Row{Error::status_invalid, kStream, code::kMessageError, ":status is not a status"},
    Row{Error::content_length_invalid, kStream, code::kMessageError, "Content-Length is not a number"},
    Row{Error::content_length_mismatch, kStream, code::kMessageError,
        "Content-Length is not the length of the content"},
};

constexpr bool in_order() {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (static_cast<std::size_t>(kRows[i].error) != i) return false;
  }
  return kRows.size() == static_cast<std::size_t>(kLastError) + 1;
}
static_assert(in_order(), "one row for each enumerator, in their order");

const Row& row_of(Error error) { return kRows[static_cast<std::size_t>(error)]; }

}  // namespace

bool is_connection_error(Error error) { return row_of(error).scope == Scope::connection; }
std::uint64_t wire_code_of(Error error) { return row_of(error).wire_code; }
std::string_view describe(Error error) { return row_of(error).text; }

}  // namespace plait::h3
