// SendSchedule: which of the streams that have something to send is next.
//
// As long as nobody gives a stream a priority they take turns, in one ring. From the first priority on, streams belong
// to groups: those of one group go strictly by their order, the highest first and equal ones in turn, and the groups
// take turns. Streams that were given none are in group 0 with order 0. Then each step costs O(log n), n being the
// different orders that wait in a group; a group exists only while one of its streams waits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <unordered_map>

#include "quic/intrusive_list.hpp"
#include "quic/stream.hpp"

namespace plait::quic {

class SendSchedule {
 public:
  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] std::size_t size() const { return groups_ == nullptr ? plain_.size() : groups_->size; }
  /// The stream that is next. Not of an empty schedule.
  [[nodiscard]] Stream& front() const;

  /// Nothing if it is in already.
  void push_back(Stream& stream);
  /// Nothing if it is not in.
  void remove(Stream& stream);
  /// The stream, which is in, has had its turn, and so has its group.
  void move_to_back(Stream& stream);
  void set_priority(Stream& stream, std::uint64_t group, std::int64_t order);

 private:
  struct Group {
    std::map<std::int64_t, IntrusiveList<Stream>, std::greater<>> orders;
    Group* list_next = nullptr;
    Group* list_previous = nullptr;
    bool listed = false;
  };
  struct Groups {
    std::unordered_map<std::uint64_t, Group> by_number;
    IntrusiveList<Group> turns;
    std::size_t size = 0;
  };

  IntrusiveList<Stream> plain_;     // all of them, until a priority is set
  std::unique_ptr<Groups> groups_;  // from then on
};

}  // namespace plait::quic
