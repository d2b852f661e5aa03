#include "core/timer.hpp"

#include <algorithm>
#include <bit>

namespace plait::core {

void Timer::cancel() {
  if (link_ == nullptr) return;
  *link_ = next_;
  if (next_ != nullptr) next_->link_ = link_;
  next_ = nullptr;
  link_ = nullptr;
  --*count_;
}

TimerWheel::~TimerWheel() {
  for (Timer*& slot : slots_) {
    while (slot != nullptr) slot->cancel();
  }
}

std::uint64_t TimerWheel::tick_of(TimePoint time) const {
  return time <= start_ ? 0 : static_cast<std::uint64_t>((time - start_) / kTick);
}

void TimerWheel::schedule(Timer& timer, TimePoint deadline) {
  timer.cancel();
  timer.deadline_ = deadline;
  const std::uint64_t tick = std::max(tick_of(deadline + kTick - TimePoint::duration{1}), current_tick_ + 1);
  const std::size_t slot = tick % kSlots;
  timer.next_ = slots_[slot];
  if (timer.next_ != nullptr) timer.next_->link_ = &timer.next_;
  slots_[slot] = &timer;
  timer.link_ = &slots_[slot];
  timer.count_ = &count_;
  occupied_[slot / 64] |= std::uint64_t{1} << (slot % 64);
  ++count_;
}

void TimerWheel::advance(TimePoint now) {
  const std::uint64_t target = tick_of(now);
  if (target <= current_tick_) return;
  const std::uint64_t slots_to_visit = std::min<std::uint64_t>(target - current_tick_, kSlots);
  const std::uint64_t first = current_tick_ + 1;
  current_tick_ = target;  // so that a timer set meanwhile goes to a later tick
  for (std::uint64_t i = 0; i < slots_to_visit && count_ != 0; ++i) expire_slot((first + i) % kSlots, now);
}

void TimerWheel::expire_slot(std::size_t slot, TimePoint now) {
  Timer* list = slots_[slot];
  if (list == nullptr) {
    occupied_[slot / 64] &= ~(std::uint64_t{1} << (slot % 64));
    return;
  }
  slots_[slot] = nullptr;
  list->link_ = &list;  // a timer of this list that is cancelled meanwhile unlinks itself from it
  while (list != nullptr) {
    Timer* timer = list;
    timer->cancel();
    if (timer->deadline_ <= now) {
      timer->on_timer(now);
    } else {
      schedule(*timer, timer->deadline_);
    }
  }
  if (slots_[slot] == nullptr) occupied_[slot / 64] &= ~(std::uint64_t{1} << (slot % 64));
}

std::optional<TimePoint> TimerWheel::next_deadline() const {
  if (count_ == 0) return std::nullopt;
  for (std::uint64_t ahead = 1; ahead <= kSlots;) {
    const std::size_t slot = (current_tick_ + ahead) % kSlots;
    const std::uint64_t word = occupied_[slot / 64] >> (slot % 64);
    if (word != 0) {
      const std::uint64_t found = ahead + static_cast<std::uint64_t>(std::countr_zero(word));
      return start_ + kTick * static_cast<std::int64_t>(current_tick_ + found);
    }
    ahead += 64 - slot % 64;
  }
  return start_ + kTick * static_cast<std::int64_t>(current_tick_ + 1);
}

}  // namespace plait::core
