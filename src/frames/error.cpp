#include "frames/error.hpp"

#include <plait/session.hpp>

#include <array>
#include <cstddef>

#include "core/error_rules.hpp"

namespace plait::frames {
namespace {

struct Rule {
  Error error;
  std::string_view name;
  std::uint16_t close_code;
};

constexpr std::array kRules{
    Rule{Error::unknown_type, "unknown_type", close_code::kProtocolError},
    Rule{Error::length_not_minimal, "length_not_minimal", close_code::kProtocolError},
    Rule{Error::open_expected, "open_expected", close_code::kProtocolError},
    Rule{Error::open_repeated, "open_repeated", close_code::kProtocolError},
    Rule{Error::open_too_big, "open_too_big", close_code::kProtocolError},
    Rule{Error::control_too_big, "control_too_big", close_code::kProtocolError},
    Rule{Error::message_too_big, "message_too_big", close_code::kMessageTooBig},
    Rule{Error::message_interrupted, "message_interrupted", close_code::kProtocolError},
    Rule{Error::part_without_flags, "part_without_flags", close_code::kProtocolError},
    Rule{Error::part_flags_reserved, "part_flags_reserved", close_code::kProtocolError},
    Rule{Error::part_kind_changed, "part_kind_changed", close_code::kProtocolError},
    Rule{Error::too_many_parts, "too_many_parts", close_code::kPolicyViolation},
    Rule{Error::text_not_utf8, "text_not_utf8", close_code::kInvalidPayload},
    Rule{Error::close_truncated, "close_truncated", close_code::kProtocolError},
    Rule{Error::close_code_invalid, "close_code_invalid", close_code::kProtocolError},
    Rule{Error::close_reason_not_utf8, "close_reason_not_utf8", close_code::kInvalidPayload},
    Rule{Error::bad_magic, "bad_magic", close_code::kProtocolError},
    Rule{Error::open_truncated, "open_truncated", close_code::kProtocolError},
    Rule{Error::open_trailing_bytes, "open_trailing_bytes", close_code::kProtocolError},
    Rule{Error::path_invalid, "path_invalid", close_code::kProtocolError},
    Rule{Error::path_too_long, "path_too_long", close_code::kProtocolError},
    Rule{Error::authority_invalid, "authority_invalid", close_code::kProtocolError},
    Rule{Error::authority_too_long, "authority_too_long", close_code::kProtocolError},
    Rule{Error::token_invalid, "token_invalid", close_code::kProtocolError},
    Rule{Error::token_too_long, "token_too_long", close_code::kProtocolError},
    Rule{Error::too_many_subprotocols, "too_many_subprotocols", close_code::kProtocolError},
    Rule{Error::subprotocol_invalid, "subprotocol_invalid", close_code::kProtocolError},
    Rule{Error::subprotocol_not_offered, "subprotocol_not_offered", close_code::kProtocolError},
    Rule{Error::status_invalid, "status_invalid", close_code::kProtocolError},
    Rule{Error::reason_invalid, "reason_invalid", close_code::kProtocolError},
    Rule{Error::reason_too_long, "reason_too_long", close_code::kProtocolError},
};

static_assert(core::stand_in_order(kRules, Error::reason_too_long), "kRules is indexed by the enumerator");

}  // namespace

std::uint16_t close_code_of(Error error) { return kRules[static_cast<std::size_t>(error)].close_code; }

std::string_view reason_of(Error error) {
  return error == Error::message_too_big ? std::string_view{"message is too big"} : name_of(error);
}

std::string_view name_of(Error error) { return kRules[static_cast<std::size_t>(error)].name; }

}  // namespace plait::frames
