#include "quic/send_schedule.hpp"

#include <utility>

namespace plait::quic {

Stream& SendSchedule::front() const {
  return groups_ == nullptr ? plain_.front() : groups_->turns.front().orders.begin()->second.front();
}

void SendSchedule::push_back(Stream& stream) {
  if (groups_ == nullptr) return plain_.push_back(stream);
  if (stream.listed) return;
  Group& group = groups_->by_number[stream.group];
  group.orders[stream.order].push_back(stream);
  groups_->turns.push_back(group);
  ++groups_->size;
}

void SendSchedule::remove(Stream& stream) {
  if (groups_ == nullptr) return plain_.remove(stream);
  if (!stream.listed) return;
  const auto group = groups_->by_number.find(stream.group);
  auto& orders = group->second.orders;
  const auto equals = orders.find(stream.order);
  equals->second.remove(stream);
  --groups_->size;
  if (equals->second.empty()) orders.erase(equals);
  if (!orders.empty()) return;
  groups_->turns.remove(group->second);
  groups_->by_number.erase(group);
}

void SendSchedule::move_to_back(Stream& stream) {
  if (groups_ == nullptr) return plain_.move_to_back(stream);
  Group& group = groups_->by_number.at(stream.group);
  group.orders.at(stream.order).move_to_back(stream);
  groups_->turns.move_to_back(group);
}

void SendSchedule::set_priority(Stream& stream, std::uint64_t group, std::int64_t order) {
  const bool waits = stream.listed;
  if (groups_ == nullptr) {
    IntrusiveList<Stream> plain;
    std::swap(plain, plain_);
    groups_ = std::make_unique<Groups>();
    while (!plain.empty()) {
      Stream& next = plain.front();
      plain.remove(next);
      push_back(next);
    }
  }
  remove(stream);
  stream.group = group;
  stream.order = order;
  if (waits) push_back(stream);
}

}  // namespace plait::quic
