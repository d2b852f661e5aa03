// Every rule of RFC 6455 and RFC 7692 that a peer's frames can break, and what to close the connection with.
#pragma once

#include <cstdint>

namespace plait::ws {

/// One per violated rule. Zero is none of them: "no error" in an Event.
enum class Error : std::uint8_t {
  // The frame header, in its order (RFC 6455 §5.2)
  rsv1_without_deflate = 1,  ///< RSV1 set, permessage-deflate not negotiated
  rsv1_on_continuation,      ///< RSV1 set after the first fragment (RFC 7692 §6)
  rsv1_on_control_frame,     ///< RSV1 set on a control frame (RFC 7692 §6)
  rsv2_set,                  ///< no extension defines RSV2
  rsv3_set,                  ///< no extension defines RSV3
  reserved_opcode,           ///< 3–7 or 11–15
  fragmented_control_frame,  ///< a control frame without FIN (§5.5)
  unexpected_continuation,   ///< a continuation frame, but no message to continue (§5.4)
  expected_continuation,     ///< a text or binary frame inside a fragmented message (§5.4)
  unmasked_client_frame,     ///< a client must mask (§5.1)
  masked_server_frame,       ///< a server must not mask (§5.1)
  control_frame_too_long,    ///< more than 125 bytes (§5.5)
  non_minimal_length_16,     ///< a length below 126 in 16 bits
  non_minimal_length_64,     ///< a length below 65536 in 64 bits
  length_top_bit_set,        ///< the most significant bit of a 64-bit length

  // Payloads
  close_payload_one_byte,     ///< a close frame's payload is empty or begins with two bytes of status code (§5.5.1)
  invalid_close_code,         ///< a status code that must not be sent (§7.4)
  invalid_utf8_close_reason,  ///< §5.5.1
  invalid_utf8_text,          ///< §5.6, §8.1

  // Limits
  message_too_big,     ///< Limits::message_bytes_max
  too_many_fragments,  ///< Limits::message_fragments_max

  // permessage-deflate (RFC 7692 §7.2.2)
  inflate_corrupt,    ///< not a DEFLATE stream
  inflate_truncated,  ///< the message ends inside a DEFLATE block
  inflate_bomb,       ///< Limits::inflate_ratio_max
};

/// The status code to fail the connection with (RFC 6455 §7.4.1): 1002, 1007, 1008 or 1009.
[[nodiscard]] std::uint16_t close_code_of(Error error);

/// A sentence that names the broken rule, short enough for a close frame's reason. Static storage.
[[nodiscard]] const char* describe(Error error);

}  // namespace plait::ws
