#include "core/tail_block.hpp"

#include <algorithm>
#include <cstring>

namespace plait::core {

std::optional<TailBlock::Joined> TailBlock::join(const Bytes& last, ByteView data) {
  if (data.size() >= kCopiedBytesMax || (capacity_ == 0 && last.size() >= kCopiedBytesMax)) return std::nullopt;
  if (capacity_ > 0) {
    Block& block = *last.block();
    const auto used = static_cast<std::size_t>(last.data() + last.size() - block.data());
    if (capacity_ >= used + data.size()) {
      std::memcpy(block.data() + used, data.data(), data.size());
      return Joined{Bytes::share(block, {last.data(), last.size() + data.size()}), true};
    }
  }
  capacity_ = static_cast<std::uint16_t>(std::clamp(std::size_t{2} * capacity_, kCopiedBytesMax, kBlockBytesMax));
  Block* block = Block::make(capacity_);
  std::memcpy(block->data(), data.data(), data.size());
  Joined joined{Bytes::share(*block, {block->data(), data.size()}), false};
  block->release();
  return joined;
}

}  // namespace plait::core
