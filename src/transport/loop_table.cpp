#include "transport/loop_table.hpp"

#include <utility>

#include "core/assert.hpp"

namespace plait::transport {

SessionId LoopTable::add(std::unique_ptr<LoopEntry> entry, std::uint32_t loop) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const std::uint32_t index = free_.back();
  free_.pop_back();
  slots_[index].entry = std::move(entry);
  ++size_;
  return {.loop = loop, .index = index, .generation = slots_[index].generation};
}

LoopEntry* LoopTable::find(SessionId id) const {
  if (id.index >= slots_.size() || slots_[id.index].generation != id.generation) return nullptr;
  return slots_[id.index].entry.get();
}

std::unique_ptr<LoopEntry> LoopTable::replace(SessionId id, std::unique_ptr<LoopEntry> entry) {
  PLAIT_ASSERT(find(id) != nullptr, "only what is there can be replaced");
  return std::exchange(slots_[id.index].entry, std::move(entry));
}

std::unique_ptr<LoopEntry> LoopTable::remove(SessionId id) {
  if (find(id) == nullptr) return nullptr;
  Slot& slot = slots_[id.index];
  retire_id(slot);
  free_.push_back(id.index);
  --size_;
  return std::move(slot.entry);
}

void LoopTable::clear() {
  for (Slot& slot : slots_) {
    if (slot.entry == nullptr) continue;
    retire_id(slot);
    slot.entry.reset();
  }
  size_ = 0;
}

void LoopTable::for_each(const std::function<void(LoopEntry&)>& visit) {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].entry != nullptr) visit(*slots_[i].entry);
  }
}

}  // namespace plait::transport
