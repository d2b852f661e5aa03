#include "bench/components/generator/frames.hpp"

#include "bench/components/generator/deflate.hpp"
#include "bench/components/generator/socket_io.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace plait::bench {

namespace {

constexpr std::array<std::uint8_t, 4> kMaskingKey = {0x37, 0xFA, 0x21, 0x3D};
constexpr std::uint8_t kFinBinaryCompressed = 0xC2;
constexpr std::size_t kDistinctPeriod = 61;  // prime: no batch size divides it

void append(std::vector<std::uint8_t>& out, ByteView bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

std::vector<std::uint8_t> enclose(const Envelope& envelope, ByteView payload) {
  std::vector<std::uint8_t> out;
  append(out, as_bytes(envelope.before));
  append(out, payload);
  append(out, as_bytes(envelope.after));
  return out;
}

}  // namespace

std::vector<std::uint8_t> frame_header(std::size_t payload_bytes, bool masked, std::uint8_t first_byte) {
  std::vector<std::uint8_t> out{first_byte};
  const auto mask_bit = static_cast<std::uint8_t>(masked ? 0x80 : 0);
  int extended = 0;
  if (payload_bytes < 126) {
    out.push_back(static_cast<std::uint8_t>(payload_bytes) | mask_bit);
  } else {
    extended = payload_bytes <= 0xFFFF ? 2 : 8;
    out.push_back(static_cast<std::uint8_t>(extended == 2 ? 126 : 127) | mask_bit);
  }
  for (int i = extended - 1; i >= 0; --i) out.push_back(static_cast<std::uint8_t>(payload_bytes >> (8 * i)));
  if (masked) append(out, kMaskingKey);
  return out;
}

std::vector<std::uint8_t> make_client_frame(ByteView payload, std::uint8_t first_byte) {
  std::vector<std::uint8_t> out = frame_header(payload.size(), true, first_byte);
  out.reserve(out.size() + payload.size());
  for (std::size_t i = 0; i < payload.size(); ++i) out.push_back(payload[i] ^ kMaskingKey[i % 4]);
  return out;
}

std::vector<std::uint8_t> make_payload(std::size_t bytes, std::size_t index) {
  std::vector<std::uint8_t> out;
  out.reserve(bytes + 64);
  for (std::size_t record = index * 1000; out.size() < bytes; ++record) {
    const std::string text = R"({"id":)" + std::to_string(record * 2654435761U % 1000003U) +
                             R"(,"topic":"prices","side":")" + (record % 3 == 0 ? "buy" : "sell") + R"("},)";
    append(out, as_bytes(text));
  }
  out.resize(bytes);
  return out;
}

FrameCycle::FrameCycle(const WireFormat& format, std::size_t depth)
    // Different texts compress to different lengths, so a deflated cycle is one message long.
    : period_(format.distinct && !format.deflate ? kDistinctPeriod : 1) {
  const std::uint8_t first_byte = format.socket_io ? kFinText : format.deflate ? kFinBinaryCompressed : kFinBinary;
  std::vector<std::uint8_t> cycle;
  for (std::size_t index = 0; index < period_; ++index) {
    auto payload = make_payload(format.payload_bytes, index);
    if (format.socket_io) payload = socket_io_event(payload);
    append(payloads_, payload);
    if (format.deflate) payload = deflate_message(payload);
    append(cycle, format.websocket ? make_client_frame(payload, first_byte) : enclose(format.sent, payload));
  }
  payload_bytes_ = payloads_.size() / period_;
  if (format.websocket) {
    reply_header_ = frame_header(payload_bytes_, false, first_byte);
  } else {
    append(reply_header_, as_bytes(format.answered.before));
    append(reply_trailer_, as_bytes(format.answered.after));
  }
  frame_bytes_ = cycle.size() / period_;
  const std::size_t total = cycle.size() + frame_bytes_ * depth;
  bytes_.reserve(total);
  while (bytes_.size() < total) append(bytes_, ByteView{cycle}.first(std::min(cycle.size(), total - bytes_.size())));
}

ByteView FrameCycle::slice(std::size_t offset, std::size_t byte_count) const {
  return ByteView{bytes_}.subspan(offset, std::min(byte_count, bytes_.size() - offset));
}

ByteView FrameCycle::payload(std::size_t index) const {
  return ByteView{payloads_}.subspan(index % period_ * payload_bytes_, payload_bytes_);
}

}  // namespace plait::bench
