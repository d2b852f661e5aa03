// What a client's message can break (spec/protocol.md §2 and §4), and the codes that errors are answered with (§5).
#pragma once

#include <cstdint>
#include <string_view>

namespace plait::wire {

/// The rule that a message breaks.
enum class Error : std::uint8_t {
  unsupported_encoding,  ///< C:, M:, E: or bare zlib: not negotiated
  not_json,              ///< after the prefix, if any, stands no JSON text
  not_an_object,
  type_missing,
  type_invalid,      ///< not a string of 1 to kTypeBytesMax bytes
  payload_invalid,   ///< not an object
  cid_invalid,       ///< not a string of at most kCidBytesMax bytes
  priority_invalid,  ///< none of 1, 3, 5, 8, 10
  // Payloads
  action_invalid,      ///< neither subscribe nor unsubscribe
  topics_invalid,      ///< not an array of 1 to kRequestTopicsMax strings
  recovery_invalid,    ///< not an object of {epoch: 8 hexadecimal digits, offset: integer}
  publication_invalid  ///< no topic, or no data
};

/// Machine-readable codes of `error` messages and failed topics.
enum class ErrorCode : std::uint8_t {
  auth_failed,
  rate_limited,
  invalid_message,
  unknown_type,
  invalid_action,
  invalid_subscription,
  subscription_failed,
  publish_denied,
  publish_failed,
  overloaded,
};

/// The enumerator as text: the message of an `error`.
std::string_view name_of(Error error);
/// As on the wire: "INVALID_MESSAGE".
std::string_view name_of(ErrorCode code);
/// The code that a broken rule is answered with.
ErrorCode code_of(Error error);

}  // namespace plait::wire
