// ExpiryHeap: the connection that expires next. A binary heap whose entries know their place, because every packet
// moves a deadline; the timer wheel of the loop is too coarse for acknowledgements and packets that are spaced by
// microseconds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace plait::quic {

/// Owner is a struct with `std::size_t heap_place` (kNowhere outside) and `std::uint64_t expiry`.
template <class Owner>
class ExpiryHeap {
 public:
  static constexpr std::size_t kNowhere = SIZE_MAX;

  [[nodiscard]] bool empty() const { return entries_.empty(); }
  [[nodiscard]] Owner& top() const { return *entries_.front(); }

  void set(Owner& owner, std::uint64_t expiry) {
    if (owner.heap_place == kNowhere) {
      owner.expiry = expiry;
      owner.heap_place = entries_.size();
      entries_.push_back(&owner);
      rise(owner.heap_place);
      return;
    }
    const bool sooner = expiry < owner.expiry;
    owner.expiry = expiry;
    if (sooner) {
      rise(owner.heap_place);
    } else {
      sink(owner.heap_place);
    }
  }

  void remove(Owner& owner) {
    if (owner.heap_place == kNowhere) return;
    const std::size_t place = owner.heap_place;
    exchange(place, entries_.size() - 1);
    entries_.pop_back();
    owner.heap_place = kNowhere;
    if (place < entries_.size()) {
      sink(place);
      rise(place);
    }
  }

 private:
  void exchange(std::size_t a, std::size_t b) {
    std::swap(entries_[a], entries_[b]);
    entries_[a]->heap_place = a;
    entries_[b]->heap_place = b;
  }
  void rise(std::size_t place) {
    while (place > 0) {
      const std::size_t parent = (place - 1) / 2;
      if (entries_[parent]->expiry <= entries_[place]->expiry) return;
      exchange(place, parent);
      place = parent;
    }
  }
  void sink(std::size_t place) {
    for (;;) {
      std::size_t least = place;
      for (std::size_t child = 2 * place + 1; child <= 2 * place + 2 && child < entries_.size(); ++child) {
        if (entries_[child]->expiry < entries_[least]->expiry) least = child;
      }
      if (least == place) return;
      exchange(place, least);
      place = least;
    }
  }

  std::vector<Owner*> entries_;
};

}  // namespace plait::quic
