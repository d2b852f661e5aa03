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

std::string_view describe(Error error) {
  switch (error) {
    case Error::unknown_type:
      return "unknown frame type";
    case Error::length_not_minimal:
      return "frame length not in its shortest encoding";
    case Error::open_expected:
      return "the first frame is not open";
    case Error::open_repeated:
      return "second open frame";
    case Error::open_too_big:
      return "open frame too big";
    case Error::control_too_big:
      return "control frame above 125 bytes";
    case Error::message_too_big:
      return "message too big";
    case Error::message_interrupted:
      return "message between the parts of another";
    case Error::part_without_flags:
      return "part frame without flags";
    case Error::part_flags_reserved:
      return "reserved part flag set";
    case Error::part_kind_changed:
      return "parts of one message differ in kind";
    case Error::too_many_parts:
      return "too many parts";
    case Error::text_not_utf8:
      return "text is not UTF-8";
    case Error::close_truncated:
      return "close frame of one byte";
    case Error::close_code_invalid:
      return "invalid close code";
    case Error::close_reason_not_utf8:
      return "close reason is not UTF-8";
    case Error::bad_magic:
      return "open does not begin with PLT1";
    case Error::open_truncated:
      return "open field runs past the end";
    case Error::open_trailing_bytes:
      return "bytes after the last open field";
    case Error::path_invalid:
      return "invalid path";
    case Error::path_too_long:
      return "path too long";
    case Error::authority_invalid:
      return "invalid authority";
    case Error::authority_too_long:
      return "authority too long";
    case Error::token_invalid:
      return "invalid token";
    case Error::token_too_long:
      return "token too long";
    case Error::too_many_subprotocols:
      return "too many subprotocols";
    case Error::subprotocol_invalid:
      return "invalid subprotocol";
    case Error::status_invalid:
      return "status is neither 200 nor 400 to 599";
    case Error::reason_invalid:
      return "reason is not UTF-8";
    case Error::reason_too_long:
      return "reason too long";
  }
  return "unknown error";
}

}  // namespace plait::frames
