// Every rule of HTTP/3 that a peer can break, and the error code of the wire that each leads to.
#pragma once

#include <cstdint>
#include <string_view>

namespace plait::h3 {

/// Error codes of the wire (RFC 9114 §8.1, RFC 9204 §6, RFC 9297 §5.2).
namespace code {
inline constexpr std::uint64_t kDatagramError = 0x33;
inline constexpr std::uint64_t kNoError = 0x100;
inline constexpr std::uint64_t kGeneralProtocolError = 0x101;
inline constexpr std::uint64_t kInternalError = 0x102;
inline constexpr std::uint64_t kStreamCreationError = 0x103;
inline constexpr std::uint64_t kClosedCriticalStream = 0x104;
inline constexpr std::uint64_t kFrameUnexpected = 0x105;
inline constexpr std::uint64_t kFrameError = 0x106;
inline constexpr std::uint64_t kExcessiveLoad = 0x107;
inline constexpr std::uint64_t kIdError = 0x108;
inline constexpr std::uint64_t kSettingsError = 0x109;
inline constexpr std::uint64_t kMissingSettings = 0x10A;
inline constexpr std::uint64_t kRequestRejected = 0x10B;
inline constexpr std::uint64_t kRequestCancelled = 0x10C;
inline constexpr std::uint64_t kRequestIncomplete = 0x10D;
inline constexpr std::uint64_t kMessageError = 0x10E;
inline constexpr std::uint64_t kConnectError = 0x10F;
inline constexpr std::uint64_t kVersionFallback = 0x110;
inline constexpr std::uint64_t kQpackDecompressionFailed = 0x200;
inline constexpr std::uint64_t kQpackEncoderStreamError = 0x201;
inline constexpr std::uint64_t kQpackDecoderStreamError = 0x202;
}  // namespace code

/// One per violated rule, in the order of the table in error.cpp.
enum class Error : std::uint8_t {
  // Connection errors: streams (RFC 9114 §6)
  control_stream_repeated,      ///< a second control stream (§6.2.1)
  qpack_stream_repeated,        ///< a second QPACK encoder or decoder stream (RFC 9204 §4.2)
  critical_stream_closed,       ///< the control stream or a QPACK stream ended (§6.2.1, RFC 9204 §4.2)
  push_stream_from_client,      ///< only servers push (§6.2.2)
  push_stream_not_allowed,      ///< we never send MAX_PUSH_ID (§6.2.2)
  server_bidirectional_stream,  ///< a server's bidirectional stream that is no WebTransport stream (§6.1)
  too_many_streams,             ///< Options::streams_max
  // Connection errors: frames (RFC 9114 §7)
  frame_truncated,           ///< the stream ended inside a frame (§7.1)
  frame_malformed,           ///< the payload is shorter or longer than its fields (§7.1)
  frame_of_http2,            ///< a type that HTTP/2 used and HTTP/3 reserves (§7.2.8)
  control_frame_too_large,   ///< a payload on the control stream above kControlFrameBytesMax
  settings_missing,          ///< the control stream does not begin with SETTINGS (§6.2.1)
  settings_repeated,         ///< a second SETTINGS frame (§7.2.4)
  frame_on_control_stream,   ///< DATA, HEADERS or PUSH_PROMISE there (§7.2.1, §7.2.2, §7.2.5)
  frame_on_request_stream,   ///< SETTINGS, GOAWAY, CANCEL_PUSH or MAX_PUSH_ID there (§7.2.3–7.2.7)
  data_before_headers,       ///< DATA before the header section (§4.1)
  frame_after_trailers,      ///< DATA or HEADERS after the trailer section (§4.1)
  frame_after_connect,       ///< anything but DATA once CONNECT has completed (§4.4)
  push_promise_from_client,  ///< §7.2.5
  push_promise_not_allowed,  ///< a push ID above the maximum, of which there is none (§7.2.5)
  max_push_id_from_server,   ///< §7.2.7
  max_push_id_reduced,       ///< §7.2.7
  cancel_push_unknown,       ///< CANCEL_PUSH of a push that nobody promised (§7.2.3)
  goaway_id_invalid,         ///< GOAWAY from a server without the ID of a request stream (§7.2.6)
  goaway_id_increased,       ///< §5.2
  // Connection errors: SETTINGS (RFC 9114 §7.2.4)
  setting_repeated,
  setting_of_http2,             ///< an identifier that HTTP/2 used and HTTP/3 reserves (§7.2.4.1)
  setting_value_invalid,        ///< not 0 or 1 (RFC 9220 §3, RFC 9297 §2.1.1)
  datagrams_without_transport,  ///< SETTINGS_H3_DATAGRAM without max_datagram_frame_size (RFC 9297 §2.1.1)
  // Connection errors: QPACK (RFC 9204 §6)
  qpack_decompression_failed,
  qpack_encoder_stream,  ///< an instruction that needs the dynamic table that we do not offer
  qpack_decoder_stream,  ///< an acknowledgment of what was never sent
  // Connection errors: HTTP Datagrams and WebTransport
  datagram_malformed,            ///< no Quarter Stream ID, or one above 2^60-1 (RFC 9297 §2.1)
  session_id_invalid,            ///< not the ID of a client-initiated bidirectional stream
  webtransport_frame_not_first,  ///< 0x41 after the beginning of a stream
  // Connection errors: limits
  field_sections_too_large,  ///< unfinished field sections of all streams together above kBufferedSectionsBytesMax

  // Stream errors
  field_section_too_large,  ///< Settings::field_section_bytes_max (RFC 9114 §4.2.2)
  too_many_fields,          ///< Options::field_count_max; a request is answered nevertheless
  request_incomplete,       ///< the stream ended before a whole request (§4.1)
  request_rejected,         ///< a request that came after our GOAWAY (§5.2)
  response_incomplete,      ///< the stream ended before a final response (§4.1)

  // Stream errors: malformed messages (RFC 9114 §4.1.2)
  field_name_invalid,           ///< not a token (§10.3)
  field_name_uppercase,         ///< §4.2
  field_value_invalid,          ///< a control character, or white space around it (§10.3)
  connection_specific_field,    ///< Connection, Upgrade and the like (§4.2)
  te_invalid,                   ///< TE other than "trailers" (§4.2)
  pseudo_header_unknown,        ///< §4.3
  pseudo_header_repeated,       ///< §4.3
  pseudo_header_after_field,    ///< §4.3
  pseudo_header_in_trailers,    ///< §4.3
  pseudo_header_missing,        ///< §4.3.1, §4.3.2
  pseudo_header_with_connect,   ///< :scheme or :path in CONNECT without :protocol (§4.4)
  protocol_without_connect,     ///< :protocol with another method (RFC 8441 §4)
  protocol_not_enabled,         ///< :protocol, but we did not send SETTINGS_ENABLE_CONNECT_PROTOCOL (RFC 9220 §3)
  method_invalid,               ///< not a token
  scheme_invalid,               ///< RFC 3986 §3.1
  path_invalid,                 ///< §4.3.1
  authority_missing,            ///< neither :authority nor Host where the scheme has an authority (§4.3.1)
  authority_invalid,            ///< empty, with userinfo, or no host and port (§4.3.1, §4.4)
  authority_differs_from_host,  ///< §4.3.1
  field_repeated,               ///< Authorization, Host or Origin sent twice (RFC 9110 §5.3)
  status_invalid,               ///< not three digits, or 101 (§4.3.2, §4.5)
  content_length_invalid,       ///< RFC 9110 §8.6
  content_length_mismatch,      ///< not the sum of the DATA frames (§4.1.2)
};

inline constexpr Error kLastError = Error::content_length_mismatch;

/// Whether the whole connection must be closed for it, or one stream be reset.
[[nodiscard]] bool is_connection_error(Error error);
/// The error code of CONNECTION_CLOSE, or of RESET_STREAM and STOP_SENDING.
[[nodiscard]] std::uint64_t wire_code_of(Error error);
/// A sentence that names the broken rule. Static storage.
[[nodiscard]] std::string_view describe(Error error);

}  // namespace plait::h3
