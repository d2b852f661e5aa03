// Several pieces of bytes as one.
#pragma once

#include <plait/bytes.hpp>

#include <algorithm>
#include <cstdint>
#include <initializer_list>

namespace plait::core {

/// The parts, one behind the other, in one block of their own. They are not all empty.
inline Bytes joined(std::initializer_list<ByteView> parts) {
  std::size_t size = 0;
  for (const ByteView part : parts) size += part.size();
  Block* block = Block::make(size);
  std::uint8_t* out = block->data();
  for (const ByteView part : parts) out = std::copy(part.begin(), part.end(), out);
  Bytes bytes = Bytes::share(*block, {block->data(), size});
  block->release();
  return bytes;
}

}  // namespace plait::core
