// Every rule of spec/frames.md that a peer can break, one enumerator each, and the close code it leads to.
#pragma once

#include <cstdint>
#include <string_view>

namespace plait::frames {

enum class Error : std::uint8_t {
  // Frames (§2)
  unknown_type,         ///< the type byte is none of §2's
  length_not_minimal,   ///< a length, or §3's count, was not encoded in the fewest bytes
  open_expected,        ///< the first frame is not `open`
  open_repeated,        ///< a second `open`
  open_too_big,         ///< `open` above kOpenBytesMax
  control_too_big,      ///< ping, pong or close above kControlBytesMax
  message_too_big,      ///< a message above Limits::message_bytes_max
  message_interrupted,  ///< text or binary between the parts of a message
  part_without_flags,   ///< an empty part frame
  part_flags_reserved,  ///< a flag bit that has no meaning is set
  part_kind_changed,    ///< text in one part, binary in another
  too_many_parts,       ///< more than Limits::message_fragments_max
  text_not_utf8,        ///< a text message is not UTF-8
  close_truncated,      ///< a close frame of one byte
  close_code_invalid,   ///< a code that must not be sent (RFC 6455 §7.4)
  close_reason_not_utf8,
  // The opening (§3)
  bad_magic,            ///< not `PLT1`
  open_truncated,       ///< a field runs past the end
  open_trailing_bytes,  ///< bytes after the last field
  path_invalid,         ///< does not begin with "/", or holds a space, control or non-ASCII byte
  path_too_long,
  authority_invalid,
  authority_too_long,
  token_invalid,
  token_too_long,
  too_many_subprotocols,
  subprotocol_invalid,      ///< not a token (RFC 9110 §5.6.2) of 1 to kSubprotocolBytesMax bytes
  subprotocol_not_offered,  ///< a response names one that is not in the request
  status_invalid,           ///< neither 200 nor 400–599
  reason_invalid,           ///< not UTF-8
  reason_too_long,
};

/// What the session is closed with: 1007, 1008, 1009 or 1002.
std::uint16_t close_code_of(Error error);
/// The enumerator as text, the word in spec/vectors/frames.json.
std::string_view name_of(Error error);
/// The reason in the close frame: its name, but of a message that is too big, which no peer's mistake need be, the
/// sentence that WebSocket sessions are closed with.
std::string_view reason_of(Error error);

}  // namespace plait::frames
