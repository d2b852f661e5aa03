// TailBlock: with it a queue of Bytes copies small pieces that wait behind other small ones into blocks of its own.
// Each for itself would cost ten times what it carries.
#pragma once

#include <plait/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace plait::core {

class TailBlock {
 public:
  /// Pieces of this size and more stay where they are.
  static constexpr std::size_t kCopiedBytesMax = 512;

  struct Joined {
    Bytes piece;
    bool replaces_last;  ///< `piece` is the last one with `data` behind it; else it is the next one
  };
  /// Copies `data` if it and `last`, the queue's last piece, are small. None: it stands alone, see leave(). What stands
  /// in a block is never moved.
  std::optional<Joined> join(const Bytes& last, ByteView data);
  /// The queue's last piece is none of ours, or there is none.
  void leave() { capacity_ = 0; }

 private:
  static constexpr std::size_t kBlockBytesMax = 4096;

  std::uint16_t capacity_ = 0;  // of the last piece's block if it is one of ours, which may have room behind it
};

}  // namespace plait::core
