// IdMap: what belongs to the streams of a connection, by their IDs.
//
// A connection has a handful of such maps, most of them with one or two entries for most of its life, and each packet
// of a long transfer asks all of them for the same stream. So an entry that was just found is found again by one
// comparison (a std::unordered_map divides and follows two pointers), and up to kListMax entries need nothing but
// themselves (there a first insertion allocates 104 bytes, which remain).
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

namespace plait::core {

/// Entries stay where they are until they are erased. The names are those of std::unordered_map.
template <class Id, class Value>
class IdMap {
  struct Node {
    template <class... Args>
    explicit Node(Id id, Args&&... args)
        : entry(std::piecewise_construct, std::forward_as_tuple(id),
                std::forward_as_tuple(std::forward<Args>(args)...)) {}

    std::pair<const Id, Value> entry;
    Node* next = nullptr;
  };

  template <class Map, class Entry>
  class Place {
   public:
    // NOLINTBEGIN(readability-identifier-naming): the standard's names
    using iterator_category = std::forward_iterator_tag;
    using value_type = std::remove_const_t<Entry>;
    using difference_type = std::ptrdiff_t;
    using pointer = Entry*;
    using reference = Entry&;
    // NOLINTEND(readability-identifier-naming)

    Place() = default;
    Place(Map* map, Node* node) : map_(map), node_(node) {}
    Entry& operator*() const { return node_->entry; }
    Entry* operator->() const { return &node_->entry; }
    Place& operator++() {
      node_ = node_->next != nullptr ? node_->next : map_->first_from(map_->index_of(node_->entry.first) + 1);
      return *this;
    }
    Place operator++(int) { return std::exchange(*this, std::next(*this)); }
    bool operator==(const Place& other) const { return node_ == other.node_; }

   private:
    friend class IdMap;
    Map* map_ = nullptr;
    Node* node_ = nullptr;
  };

 public:
  // NOLINTNEXTLINE(readability-identifier-naming): so, too
  using iterator = Place<IdMap, std::pair<const Id, Value>>;
  // NOLINTNEXTLINE(readability-identifier-naming)
  using const_iterator = Place<const IdMap, const std::pair<const Id, Value>>;
  /// An entry outside of any map.
  using Extracted = std::unique_ptr<Node>;

  IdMap() = default;
  IdMap(const IdMap&) = delete;
  IdMap& operator=(const IdMap&) = delete;
  ~IdMap() { clear(); }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  iterator begin() { return {this, first_from(0)}; }
  iterator end() { return {this, nullptr}; }
  [[nodiscard]] const_iterator begin() const { return {this, first_from(0)}; }
  [[nodiscard]] const_iterator end() const { return {this, nullptr}; }

  iterator find(Id id) { return {this, look_up(id)}; }
  [[nodiscard]] const_iterator find(Id id) const { return {this, look_up(id)}; }
  [[nodiscard]] bool contains(Id id) const { return look_up(id) != nullptr; }

  /// A new one of Value(args...), unless there is one.
  template <class... Args>
  std::pair<iterator, bool> try_emplace(Id id, Args&&... args) {
    if (Node* found = look_up(id); found != nullptr) return {{this, found}, false};
    if (size_ >= (kListMax << bucket_bits_)) grow();
    auto* node = new Node(id, std::forward<Args>(args)...);
    push(*node);
    ++size_;
    return {{this, last_ = node}, true};
  }
  Value& operator[](Id id) { return try_emplace(id).first->second; }

  /// The entry that is gone is destroyed by the caller. Null if there is none.
  Extracted extract(Id id) {
    for (Node** at = &bucket(index_of(id)); *at != nullptr; at = &(*at)->next) {
      if ((*at)->entry.first != id) continue;
      Extracted gone{std::exchange(*at, (*at)->next)};
      last_ = nullptr;
      if (--size_ == 0) drop_buckets();
      return gone;
    }
    return nullptr;
  }
  bool erase(Id id) { return extract(id) != nullptr; }
  /// The one after it.
  iterator erase(iterator at) {
    const iterator next = std::next(at);
    extract(at->first);
    return next;
  }
  void clear() {
    last_ = nullptr;
    for (std::size_t index = 0; index < bucket_count(); ++index) {
      while (Node* node = bucket(index)) {
        bucket(index) = node->next;
        --size_;
        delete node;
      }
    }
    drop_buckets();
  }

 private:
  static constexpr std::size_t kListMax = 4;  // entries of a bucket, on average

  [[nodiscard]] std::size_t bucket_count() const { return std::size_t{1} << bucket_bits_; }
  // Stream IDs count up by 4: the high bits of a product with the golden ratio spread them.
  [[nodiscard]] std::size_t index_of(Id id) const {
    constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15;
    const std::uint64_t product = static_cast<std::uint64_t>(id) * kGolden;
    return bucket_bits_ == 0 ? 0 : static_cast<std::size_t>(product >> (64U - bucket_bits_));
  }
  Node*& bucket(std::size_t index) { return bucket_bits_ == 0 ? list_ : buckets_[index]; }
  [[nodiscard]] Node* bucket(std::size_t index) const { return bucket_bits_ == 0 ? list_ : buckets_[index]; }

  Node* look_up(Id id) const { return last_ != nullptr && last_->entry.first == id ? last_ : search(id); }
  Node* search(Id id) const {
    Node* node = bucket(index_of(id));
    while (node != nullptr && node->entry.first != id) node = node->next;
    return node == nullptr ? nullptr : last_ = node;
  }
  [[nodiscard]] Node* first_from(std::size_t index) const {
    for (; index < bucket_count(); ++index) {
      if (Node* node = bucket(index); node != nullptr) return node;
    }
    return nullptr;
  }
  void push(Node& node) { node.next = std::exchange(bucket(index_of(node.entry.first)), &node); }

  void grow() {
    constexpr unsigned kFirstBits = 2;
    Node* all = nullptr;
    for (std::size_t index = 0; index < bucket_count(); ++index) {
      for (Node* node = bucket(index); node != nullptr;) {
        Node* next = std::exchange(node->next, all);
        all = std::exchange(node, next);
      }
    }
    list_ = nullptr;
    bucket_bits_ += kFirstBits;
    buckets_ = std::make_unique<Node*[]>(bucket_count());
    while (all != nullptr) push(*std::exchange(all, all->next));
  }
  void drop_buckets() {
    buckets_.reset();
    bucket_bits_ = 0;
  }

  std::unique_ptr<Node*[]> buckets_;
  Node* list_ = nullptr;  // the one bucket, as long as there is one
  mutable Node* last_ = nullptr;
  std::uint32_t size_ = 0;
  std::uint32_t bucket_bits_ = 0;
};

}  // namespace plait::core
