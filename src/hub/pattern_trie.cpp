#include "hub/pattern_trie.hpp"

#include <algorithm>

#include "core/assert.hpp"

namespace plait::hub {

namespace {

std::string_view beginning_of(std::string_view pattern) { return pattern.substr(0, pattern.find('*')); }

// `tail` begins with `*`. Only the last `*` seen is ever given more characters: what the ones before it took is the
// least that fits, and taking more could not help.
bool fits(std::string_view tail, std::string_view text, std::uint64_t& steps) {
  std::size_t at = 0;  // in tail
  std::size_t star = 0;
  std::size_t retry = 0;  // where in text the part behind `star` is tried
  for (std::size_t i = 0; i < text.size(); ++steps) {
    if (at < tail.size() && tail[at] == '*') {
      star = at++;
      retry = i;
      if (at == tail.size()) return true;
    } else if (at < tail.size() && (tail[at] == '?' || tail[at] == text[i])) {
      ++at;
      ++i;
    } else {
      at = star + 1;
      i = ++retry;
    }
  }
  return tail.find_first_not_of('*', at) == std::string_view::npos;
}

}  // namespace

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
  const std::string_view beginning = beginning_of(pattern);
  NodeIndex node = 0;
  for (const char edge : beginning) {
    const NodeIndex existing = child(node, edge);
    node = existing != 0 ? existing : add_child(node, edge);
  }
  PLAIT_ASSERT(value != nullptr, "a pattern is inserted with a value");
  if (beginning.size() < pattern.size()) {
    nodes_[node].tails.push_back({std::string{pattern.substr(beginning.size())}, value});
  } else {
    PLAIT_ASSERT(nodes_[node].value == nullptr, "a pattern is inserted once");
    nodes_[node].value = value;
  }
  ++size_;
}

void PatternTrie::erase(std::string_view pattern) {
  const std::string_view beginning = beginning_of(pattern);
  std::vector<NodeIndex> path{0};
  for (const char edge : beginning) {
    path.push_back(child(path.back(), edge));
    PLAIT_ASSERT(path.back() != 0, "the pattern is not in the trie");
  }
  Node& last = nodes_[path.back()];
  if (beginning.size() < pattern.size()) {
    const std::string_view tail = pattern.substr(beginning.size());
    const auto found =
        std::find_if(last.tails.begin(), last.tails.end(), [&](const Tail& t) { return t.text == tail; });
    PLAIT_ASSERT(found != last.tails.end(), "the pattern is not in the trie");
    last.tails.erase(found);
  } else {
    PLAIT_ASSERT(last.value != nullptr, "the pattern is not in the trie");
    last.value = nullptr;
  }
  --size_;
  for (std::size_t depth = path.size() - 1; depth > 0 && nodes_[path[depth]].unused(); --depth) {
    remove_child(path[depth - 1], pattern[depth - 1]);
  }
}

// A node has one parent, so none is reached twice.
void PatternTrie::step(char character) {
  next_.clear();
  for (const NodeIndex node : alive_) {
    for (const auto& [edge, index] : nodes_[node].children) {
      if (edge == character || edge == '?') next_.push_back(index);
    }
  }
  alive_.swap(next_);
}

void PatternTrie::match(std::string_view topic, const std::function<void(void*)>& found) {
  alive_.assign(1, 0);
  for (std::size_t i = 0; !alive_.empty(); ++i) {
    for (const NodeIndex node : alive_) {
      for (const Tail& tail : nodes_[node].tails) {
        if (fits(tail.text, topic.substr(i), steps_)) found(tail.value);
      }
    }
    if (i == topic.size()) break;
    step(topic[i]);
  }
  for (const NodeIndex node : alive_) {
    if (nodes_[node].value != nullptr) found(nodes_[node].value);
  }
}

}  // namespace plait::hub
