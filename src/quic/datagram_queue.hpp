// DatagramQueue: QUIC DATAGRAM frames that wait for the congestion window, bounded in bytes, number and age. When it is
// full the oldest goes: who sends datagrams wants the newest to arrive.
#pragma once

#include <plait/bytes.hpp>
#include <plait/limits.hpp>

#include <cstddef>
#include <optional>

#include "quic/fifo.hpp"
#include "quic/types.hpp"

namespace plait::quic {

class DatagramQueue {
 public:
  struct Entry {
    DatagramId id;
    Bytes data;
    std::optional<TimePoint> since;  ///< of the first purge() that saw it
  };

  DatagramQueue(std::size_t bytes_max, std::size_t count_max, Duration age_max)
      : bytes_max_(bytes_max), count_max_(count_max), age_max_(age_max) {}

  /// `dropped(id)` is called for each that has to go, maybe for this one.
  template <class Dropped>
  void push(DatagramId id, Bytes data, Dropped dropped) {
    bytes_ += data.size();
    entries_.push_back({id, std::move(data), std::nullopt});
    while (bytes_ > bytes_max_ || entries_.size() > count_max_) dropped(pop().id);
  }

  /// Drops what is too old, and what is larger than `size_max` from the front.
  template <class Dropped>
  void purge(TimePoint now, std::size_t size_max, Dropped dropped) {
    while (!entries_.empty()) {
      Entry& front = entries_.front();
      const bool too_old = front.since && now - *front.since > age_max_;
      if (!too_old && front.data.size() <= size_max) break;
      dropped(pop().id);
    }
    // Entries get their time in order, so those without one are all at the end.
    for (std::size_t i = entries_.size(); i > 0 && !entries_[i - 1].since; --i) entries_[i - 1].since = now;
  }

  [[nodiscard]] bool empty() const { return entries_.empty(); }
  [[nodiscard]] const Entry& front() const { return entries_.front(); }
  Entry pop() {
    Entry entry = entries_.pop_front();
    bytes_ -= entry.data.size();
    return entry;
  }

 private:
  Fifo<Entry> entries_;
  std::size_t bytes_ = 0;
  std::size_t bytes_max_;
  std::size_t count_max_;
  Duration age_max_;
};

}  // namespace plait::quic
