#include "messaging/frame_decoder.hpp"

#include <algorithm>

#include "core/release_memory.hpp"

namespace plait::messaging {
std::size_t FrameDecoder::payload_bytes(ByteView header) const { return read_u32(header.subspan(header_bytes_ - 4)); }

bool FrameDecoder::keep(ByteView& input, std::size_t size) {
  const std::size_t count = std::min(size - std::min(size, kept_.size()), input.size());
  kept_ += as_text(input.first(count));
  input = input.subspan(count);
  return kept_.size() >= size;
}

FrameDecoder::Status FrameDecoder::next(ByteView& input, Frame& frame) {
  if (whole_) {
    kept_.clear();
    if (kept_.capacity() > kKeptBytesMax) core::release_memory(kept_);
    whole_ = false;
  }
  if (kept_.empty() && input.size() >= header_bytes_) {
    const std::size_t size = payload_bytes(input);
    if (size > payload_bytes_max_) return Status::too_large;
    if (size <= input.size() - header_bytes_) {
      frame = {input.first(header_bytes_), input.subspan(header_bytes_, size)};
      input = input.subspan(header_bytes_ + size);
      return Status::frame;
    }
  }
  if (!keep(input, header_bytes_)) return Status::need_more;
  const std::size_t size = payload_bytes(as_bytes(kept_));
  if (size > payload_bytes_max_) return Status::too_large;
  if (!keep(input, header_bytes_ + size)) return Status::need_more;
  whole_ = true;
  frame = {as_bytes(kept_).first(header_bytes_), as_bytes(kept_).subspan(header_bytes_)};
  return Status::frame;
}

void append_u16(std::string& out, std::uint16_t number) {
  out += static_cast<char>(number >> 8);
  out += static_cast<char>(number & 0xFF);
}

void append_u32(std::string& out, std::uint32_t number) {
  append_u16(out, static_cast<std::uint16_t>(number >> 16));
  append_u16(out, static_cast<std::uint16_t>(number & 0xFFFF));
}

std::uint16_t read_u16(ByteView bytes) { return static_cast<std::uint16_t>(bytes[0] << 8 | bytes[1]); }

std::uint32_t read_u32(ByteView bytes) { return std::uint32_t{read_u16(bytes)} << 16 | read_u16(bytes.subspan(2)); }

}  // namespace plait::messaging
