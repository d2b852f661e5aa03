#include "http/capsule.hpp"

#include <algorithm>

#include "core/release_memory.hpp"

namespace plait::http {

std::string_view describe(CapsuleError error) {
  switch (error) {
    case CapsuleError::value_too_large:
      return "capsule is larger than the limit";
    case CapsuleError::truncated:
      return "the stream ends inside a capsule";
  }
  return "no error";
}

Result<std::optional<Capsule>, CapsuleError> CapsuleDecoder::next(ByteView& input) {
  if (value_reported_) {
    value_reported_ = false;
    core::release_memory(value_);
  }
  for (;;) {
    if (state_ == State::failed) return err(CapsuleError::value_too_large);
    if (state_ == State::header) {
      if (!take_header(input)) return std::optional<Capsule>{};
      begin_value();
      continue;
    }
    const std::optional<ByteView> value = take_value(input);
    if (!value) return std::optional<Capsule>{};
    const bool known = state_ == State::value;
    state_ = State::header;
    if (known) return std::optional{Capsule{type_, *value}};
  }
}

// Byte by byte: a header is a few bytes, and most arrive whole.
bool CapsuleDecoder::take_header(ByteView& input) {
  while (!input.empty()) {
    header_[header_bytes_++] = input.front();
    input = input.subspan(1);
    const ByteView header = ByteView{header_}.first(header_bytes_);
    const core::Varint type = core::decode_varint(header);
    if (type.size == 0) continue;
    const core::Varint length = core::decode_varint(header.subspan(type.size));
    if (length.size == 0) continue;
    type_ = type.value;
    bytes_left_ = length.value;
    header_bytes_ = 0;
    return true;
  }
  return false;
}

void CapsuleDecoder::begin_value() {
  if (!is_known_(type_)) {
    state_ = State::skipped;
  } else if (bytes_left_ > value_bytes_max_) {
    state_ = State::failed;
  } else {
    state_ = State::value;
  }
}

// The whole value, or none while some of it is missing. Of a skipped one the view means nothing.
std::optional<ByteView> CapsuleDecoder::take_value(ByteView& input) {
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(bytes_left_, input.size()));
  const ByteView piece = input.first(count);
  input = input.subspan(count);
  bytes_left_ -= count;
  if (state_ == State::skipped) return bytes_left_ == 0 ? std::optional{ByteView{}} : std::nullopt;
  if (bytes_left_ == 0 && value_.empty()) return piece;
  value_.insert(value_.end(), piece.begin(), piece.end());
  if (bytes_left_ > 0) return std::nullopt;
  value_reported_ = true;
  return ByteView{value_};
}

Result<void, CapsuleError> CapsuleDecoder::finish() const {
  if (state_ == State::failed) return err(CapsuleError::value_too_large);
  if (state_ != State::header || header_bytes_ > 0) return err(CapsuleError::truncated);
  return {};
}

void encode_capsule_header(std::uint64_t type, std::uint64_t value_bytes, core::ByteSink& out) {
  const MutableByteView space = out.reserve(2 * core::kVarintBytesMax);
  const std::size_t type_bytes = core::encode_varint(type, space.data());
  out.commit(type_bytes + core::encode_varint(value_bytes, space.data() + type_bytes));
}

void encode_capsule(std::uint64_t type, ByteView value, core::ByteSink& out) {
  encode_capsule_header(type, value.size(), out);
  out.append(value);
}

}  // namespace plait::http
