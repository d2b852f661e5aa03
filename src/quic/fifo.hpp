// Fifo: a queue that owns no memory while it is new, and little while it is empty, unlike std::deque, whose first block
// of 512 bytes every stream and every connection would pay for.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace plait::quic {

template <class T>
class Fifo {
 public:
  [[nodiscard]] bool empty() const { return first_ == items_.size(); }
  [[nodiscard]] std::size_t size() const { return items_.size() - first_; }
  /// Counted from the front.
  T& operator[](std::size_t index) { return items_[first_ + index]; }
  const T& operator[](std::size_t index) const { return items_[first_ + index]; }
  T& front() { return items_[first_]; }
  [[nodiscard]] const T& front() const { return items_[first_]; }
  T& back() { return items_.back(); }

  void push_back(T item) { items_.push_back(std::move(item)); }
  T pop_front() {
    T item = std::move(items_[first_++]);
    // Each item is moved at most once for each one that goes, so this costs a constant per item.
    if (first_ * 2 >= items_.size()) {
      items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(first_));
      first_ = 0;
      if (items_.empty() && items_.capacity() > kKeptMax) clear();
    }
    return item;
  }
  void clear() {
    std::vector<T>{}.swap(items_);
    first_ = 0;
  }

 private:
  static constexpr std::size_t kKeptMax = 256;  // items that an empty queue has room for

  std::vector<T> items_;
  std::size_t first_ = 0;
};

}  // namespace plait::quic
