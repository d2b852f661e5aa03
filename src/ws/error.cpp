#include "ws/error.hpp"

#include <plait/session.hpp>

#include <array>
#include <cstddef>

#include "core/error_rules.hpp"

namespace plait::ws {
namespace {

struct FrameRule {
  Error error;
  std::uint16_t close_code;
  const char* sentence;
};

constexpr std::array kFrameRules{
    FrameRule{Error{}, close_code::kProtocolError, "no error"},
    FrameRule{Error::rsv1_without_deflate, close_code::kProtocolError,
              "RSV1 is set but permessage-deflate was not negotiated"},
    FrameRule{Error::rsv1_on_continuation, close_code::kProtocolError, "RSV1 is set on a continuation frame"},
    FrameRule{Error::rsv1_on_control_frame, close_code::kProtocolError, "RSV1 is set on a control frame"},
    FrameRule{Error::rsv2_set, close_code::kProtocolError, "RSV2 is set"},
    FrameRule{Error::rsv3_set, close_code::kProtocolError, "RSV3 is set"},
    FrameRule{Error::reserved_opcode, close_code::kProtocolError, "reserved opcode"},
    FrameRule{Error::fragmented_control_frame, close_code::kProtocolError, "control frame without FIN"},
    FrameRule{Error::unexpected_continuation, close_code::kProtocolError,
              "continuation frame without a message to continue"},
    FrameRule{Error::expected_continuation, close_code::kProtocolError,
              "new message before the fragmented one has ended"},
    FrameRule{Error::unmasked_client_frame, close_code::kProtocolError, "client frame is not masked"},
    FrameRule{Error::masked_server_frame, close_code::kProtocolError, "server frame is masked"},
    FrameRule{Error::control_frame_too_long, close_code::kProtocolError,
              "control frame payload is longer than 125 bytes"},
    FrameRule{Error::non_minimal_length_16, close_code::kProtocolError,
              "payload length below 126 is encoded in 16 bits"},
    FrameRule{Error::non_minimal_length_64, close_code::kProtocolError,
              "payload length below 65536 is encoded in 64 bits"},
    FrameRule{Error::length_top_bit_set, close_code::kProtocolError,
              "most significant bit of the payload length is set"},
    FrameRule{Error::close_payload_one_byte, close_code::kProtocolError, "close frame payload is one byte"},
    FrameRule{Error::invalid_close_code, close_code::kProtocolError, "close frame has an invalid status code"},
    FrameRule{Error::invalid_utf8_close_reason, close_code::kInvalidPayload, "close reason is not UTF-8"},
    FrameRule{Error::invalid_utf8_text, close_code::kInvalidPayload, "text message is not UTF-8"},
    FrameRule{Error::message_too_big, close_code::kMessageTooBig, "message is too big"},
    FrameRule{Error::too_many_fragments, close_code::kPolicyViolation, "message has too many fragments"},
    FrameRule{Error::inflate_corrupt, close_code::kInvalidPayload, "compressed message is not a DEFLATE stream"},
    FrameRule{Error::inflate_truncated, close_code::kInvalidPayload, "compressed message ends inside a DEFLATE block"},
    FrameRule{Error::inflate_bomb, close_code::kMessageTooBig, "compressed message inflates too much"},
};

static_assert(core::stand_in_order(kFrameRules, Error::inflate_bomb), "kFrameRules is indexed by the enumerator");

}  // namespace

std::uint16_t close_code_of(Error error) { return kFrameRules[static_cast<std::size_t>(error)].close_code; }

const char* describe(Error error) { return kFrameRules[static_cast<std::size_t>(error)].sentence; }

}  // namespace plait::ws
