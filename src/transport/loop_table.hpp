// LoopTable: all that one loop holds, by SessionId: a slab, so that an ID of the past resolves to nothing.
#pragma once

#include <plait/session.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "transport/loop_entry.hpp"

namespace plait::transport {

class LoopTable {
 public:
  SessionId add(std::unique_ptr<LoopEntry> entry, std::uint32_t loop);
  /// Null when that entry is gone.
  [[nodiscard]] LoopEntry* find(SessionId id) const;
  /// Puts `entry` in the place of another, which it gives back; the id stays valid.
  [[nodiscard]] std::unique_ptr<LoopEntry> replace(SessionId id, std::unique_ptr<LoopEntry> entry);
  /// Takes the entry out; its id becomes stale.
  std::unique_ptr<LoopEntry> remove(SessionId id);
  [[nodiscard]] std::size_t size() const { return size_; }
  /// Frees all without a word.
  void clear();
  /// Calls `visit` for each; it may remove any.
  void for_each(const std::function<void(LoopEntry&)>& visit);

 private:
  struct Slot {
    std::unique_ptr<LoopEntry> entry;
    std::uint32_t generation = 1;  ///< never 0: SessionId{} names nobody
  };
  static void retire_id(Slot& slot) {
    if (++slot.generation == 0) slot.generation = 1;
  }
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::size_t size_ = 0;
};

}  // namespace plait::transport
