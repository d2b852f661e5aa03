// IntrusiveList: a ring that objects take their turns in, without memory of its own.
#pragma once

#include <cstddef>

namespace plait::quic {

/// Node has members `Node* list_next`, `Node* list_previous` and `bool listed`, and is in one list at most.
template <class Node>
class IntrusiveList {
 public:
  [[nodiscard]] bool empty() const { return first_ == nullptr; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] Node& front() const { return *first_; }

  /// Nothing if it is in already.
  void push_back(Node& node) {
    if (node.listed) return;
    node.listed = true;
    node.list_next = nullptr;
    node.list_previous = last_;
    (last_ == nullptr ? first_ : last_->list_next) = &node;
    last_ = &node;
    ++size_;
  }
  /// Nothing if it is not in.
  void remove(Node& node) {
    if (!node.listed) return;
    node.listed = false;
    (node.list_previous == nullptr ? first_ : node.list_previous->list_next) = node.list_next;
    (node.list_next == nullptr ? last_ : node.list_next->list_previous) = node.list_previous;
    --size_;
  }
  void move_to_back(Node& node) {
    if (last_ == &node) return;
    remove(node);
    push_back(node);
  }

 private:
  Node* first_ = nullptr;
  Node* last_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace plait::quic
