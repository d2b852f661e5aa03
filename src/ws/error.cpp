#include "ws/error.hpp"

#include <plait/session.hpp>

namespace plait::ws {

std::uint16_t close_code_of(Error error) {
  switch (error) {
    case Error::invalid_utf8_text:
    case Error::invalid_utf8_close_reason:
    case Error::inflate_corrupt:
    case Error::inflate_truncated:
      return close_code::kInvalidPayload;
    case Error::too_many_fragments:
      return close_code::kPolicyViolation;
    case Error::message_too_big:
    case Error::inflate_bomb:
      return close_code::kMessageTooBig;
    default:
      return close_code::kProtocolError;
  }
}

const char* describe(Error error) {
  switch (error) {
    case Error::rsv1_without_deflate:
      return "RSV1 is set but permessage-deflate was not negotiated";
    case Error::rsv1_on_continuation:
      return "RSV1 is set on a continuation frame";
    case Error::rsv1_on_control_frame:
      return "RSV1 is set on a control frame";
    case Error::rsv2_set:
      return "RSV2 is set";
    case Error::rsv3_set:
      return "RSV3 is set";
    case Error::reserved_opcode:
      return "reserved opcode";
    case Error::fragmented_control_frame:
      return "control frame without FIN";
    case Error::unexpected_continuation:
      return "continuation frame without a message to continue";
    case Error::expected_continuation:
      return "new message before the fragmented one has ended";
    case Error::unmasked_client_frame:
      return "client frame is not masked";
    case Error::masked_server_frame:
      return "server frame is masked";
    case Error::control_frame_too_long:
      return "control frame payload is longer than 125 bytes";
    case Error::non_minimal_length_16:
      return "payload length below 126 is encoded in 16 bits";
    case Error::non_minimal_length_64:
      return "payload length below 65536 is encoded in 64 bits";
    case Error::length_top_bit_set:
      return "most significant bit of the payload length is set";
    case Error::close_payload_one_byte:
      return "close frame payload is one byte";
    case Error::invalid_close_code:
      return "close frame has an invalid status code";
    case Error::invalid_utf8_close_reason:
      return "close reason is not UTF-8";
    case Error::invalid_utf8_text:
      return "text message is not UTF-8";
    case Error::message_too_big:
      return "message is too big";
    case Error::too_many_fragments:
      return "message has too many fragments";
    case Error::inflate_corrupt:
      return "compressed message is not a DEFLATE stream";
    case Error::inflate_truncated:
      return "compressed message ends inside a DEFLATE block";
    case Error::inflate_bomb:
      return "compressed message inflates too much";
  }
  return "no error";
}

}  // namespace plait::ws
