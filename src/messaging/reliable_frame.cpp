#include "messaging/reliable_frame.hpp"

#include <charconv>

#include "messaging/frame_decoder.hpp"

namespace plait::messaging {
namespace {

constexpr std::string_view kData =
    "\x04"
    "DATA";
constexpr std::string_view kAcknowledgement =
    "\x03"
    "ACK";

}  // namespace

std::optional<ReliableFrame> decode_reliable(ByteView datagram) {
  const std::string_view text = as_text(datagram);
  if (text.starts_with(kData) && text.size() >= kReliableHeaderBytes) {
    return ReliableFrame{false, read_u32(datagram.subspan(kData.size())), datagram.subspan(kReliableHeaderBytes)};
  }
  if (!text.starts_with(kAcknowledgement)) return std::nullopt;
  const std::string_view digits = text.substr(kAcknowledgement.size());
  ReliableFrame frame{true, 0, {}};
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), frame.sequence);
  if (parsed.ec != std::errc{} || parsed.ptr != digits.data() + digits.size()) return std::nullopt;
  return frame;
}

std::string encode_data(std::uint32_t sequence, ByteView payload) {
  std::string out{kData};
  append_u32(out, sequence);
  out += as_text(payload);
  return out;
}

std::string encode_acknowledgement(std::uint32_t sequence) {
  return std::string{kAcknowledgement} + std::to_string(sequence);
}

}  // namespace plait::messaging
