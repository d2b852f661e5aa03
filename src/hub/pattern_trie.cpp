#include "hub/pattern_trie.hpp"

#include <algorithm>

#include "core/assert.hpp"

namespace plait::hub {

PatternTrie::PatternTrie() : nodes_(1) {}

PatternTrie::NodeIndex PatternTrie::child(NodeIndex node, char edge) const {
  for (const auto& [character, index] : nodes_[node].children) {
    if (character == edge) return index;
  }
  return 0;
}

PatternTrie::NodeIndex PatternTrie::add_child(NodeIndex node, char edge) {
  NodeIndex index;
  if (free_.empty()) {
    index = static_cast<NodeIndex>(nodes_.size());
    nodes_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
    nodes_[index] = {};
  }
  nodes_[index].by_star = edge == '*';
  nodes_[node].children.emplace_back(edge, index);
  return index;
}

void PatternTrie::remove_child(NodeIndex node, char edge) {
  auto& children = nodes_[node].children;
  const auto found = std::find_if(children.begin(), children.end(), [&](const auto& c) { return c.first == edge; });
  free_.push_back(found->second);
  children.erase(found);
}

void PatternTrie::insert(std::string_view pattern, void* value) {
  NodeIndex node = 0;
  for (const char edge : pattern) {
    const NodeIndex existing = child(node, edge);
    node = existing != 0 ? existing : add_child(node, edge);
  }
  PLAIT_ASSERT(nodes_[node].value == nullptr && value != nullptr, "a pattern is inserted once, with a value");
  nodes_[node].value = value;
  ++size_;
}

void PatternTrie::erase(std::string_view pattern) {
  std::vector<NodeIndex> path{0};
  for (const char edge : pattern) path.push_back(child(path.back(), edge));
  PLAIT_ASSERT(path.back() != 0 && nodes_[path.back()].value != nullptr, "the pattern is not in the trie");
  nodes_[path.back()].value = nullptr;
  --size_;
  for (std::size_t depth = path.size() - 1; depth > 0; --depth) {
    const Node& node = nodes_[path[depth]];
    if (node.value != nullptr || !node.children.empty()) break;
    remove_child(path[depth - 1], pattern[depth - 1]);
  }
}

// Puts `node` into the set of this step, with what it reaches by a `*` that takes nothing.
void PatternTrie::reach(NodeIndex node) {
  while (node != 0 && nodes_[node].reached != steps_) {
    nodes_[node].reached = steps_;
    next_.push_back(node);
    node = child(node, '*');
  }
}

void PatternTrie::step(char character) {
  ++steps_;
  next_.clear();
  for (const NodeIndex node : alive_) {
    if (nodes_[node].by_star) reach(node);
    reach(child(node, character));
    reach(child(node, '?'));
  }
  alive_.swap(next_);
}

void PatternTrie::match(std::string_view topic, const std::function<void(void*)>& found) {
  ++steps_;
  next_.assign(1, 0);
  reach(child(0, '*'));
  alive_.swap(next_);
  for (const char character : topic) {
    if (alive_.empty()) return;
    step(character);
  }
  for (const NodeIndex node : alive_) {
    if (nodes_[node].value != nullptr) found(nodes_[node].value);
  }
}

}  // namespace plait::hub
