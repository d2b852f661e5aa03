#include "frames/error.hpp"

#include <plait/session.hpp>

namespace plait::frames {

std::uint16_t close_code_of(Error error) {
  switch (error) {
    case Error::text_not_utf8:
    case Error::close_reason_not_utf8:
      return close_code::kInvalidPayload;
    case Error::too_many_parts:
      return close_code::kPolicyViolation;
    case Error::message_too_big:
      return close_code::kMessageTooBig;
    default:
      return close_code::kProtocolError;
  }
}

std::string_view reason_of(Error error) {
  return error == Error::message_too_big ? std::string_view{"message is too big"} : name_of(error);
}

std::string_view name_of(Error error) {
  switch (error) {
    case Error::unknown_type:
      return "unknown_type";
    case Error::length_not_minimal:
      return "length_not_minimal";
    case Error::open_expected:
      return "open_expected";
    case Error::open_repeated:
      return "open_repeated";
    case Error::open_too_big:
      return "open_too_big";
    case Error::control_too_big:
      return "control_too_big";
    case Error::message_too_big:
      return "message_too_big";
    case Error::message_interrupted:
      return "message_interrupted";
    case Error::part_without_flags:
      return "part_without_flags";
    case Error::part_flags_reserved:
      return "part_flags_reserved";
    case Error::part_kind_changed:
      return "part_kind_changed";
    case Error::too_many_parts:
      return "too_many_parts";
    case Error::text_not_utf8:
      return "text_not_utf8";
    case Error::close_truncated:
      return "close_truncated";
    case Error::close_code_invalid:
      return "close_code_invalid";
    case Error::close_reason_not_utf8:
      return "close_reason_not_utf8";
    case Error::bad_magic:
      return "bad_magic";
    case Error::open_truncated:
      return "open_truncated";
    case Error::open_trailing_bytes:
      return "open_trailing_bytes";
    case Error::path_invalid:
      return "path_invalid";
    case Error::path_too_long:
      return "path_too_long";
    case Error::authority_invalid:
      return "authority_invalid";
    case Error::authority_too_long:
      return "authority_too_long";
    case Error::token_invalid:
      return "token_invalid";
    case Error::token_too_long:
      return "token_too_long";
    case Error::too_many_subprotocols:
      return "too_many_subprotocols";
    case Error::subprotocol_invalid:
      return "subprotocol_invalid";
    case Error::status_invalid:
      return "status_invalid";
    case Error::reason_invalid:
      return "reason_invalid";
    case Error::reason_too_long:
      return "reason_too_long";
  }
  return {};
}

}  // namespace plait::frames
