#include "hub/pattern_trie.hpp"

#include <algorithm>
#include <bit>

#include "core/assert.hpp"
#include "core/release_memory.hpp"

namespace plait::hub {

namespace {

std::string_view beginning_of(std::string_view pattern) {
  return pattern.substr(0, std::min(pattern.find_first_of("*?"), PatternTrie::kBranchBytesMax));
}

// Is `part`, which has no `*`, just like `text`? Names mostly differ at their ends.
bool equal(std::string_view part, std::string_view text, std::uint64_t& steps) {
  if (part.size() != text.size()) return false;
  for (std::size_t i = part.size(); i-- > 0;) {
    ++steps;
    if (part[i] != '?' && part[i] != text[i]) return false;
  }
  return true;
}

}  // namespace

// --- Places ---------------------------------------------------------------------------------------------------------

void PatternTrie::Places::retain_shifted(const Places& other, std::size_t by) {
  const std::size_t skipped = by / 64;
  const std::size_t bits = by % 64;
  for (std::size_t i = 0; i < words_.size(); ++i) {
    const std::size_t from = i + skipped;
    std::uint64_t word = from < words_.size() ? other.words_[from] >> bits : 0;
    if (bits > 0 && from + 1 < words_.size()) word |= other.words_[from + 1] << (64 - bits);
    words_[i] &= word;
  }
}

std::size_t PatternTrie::Places::first_from(std::size_t place) const {
  for (std::size_t i = place / 64; i < words_.size(); ++i) {
    const std::uint64_t word = i == place / 64 ? words_[i] & (~std::uint64_t{0} << (place % 64)) : words_[i];
    if (word != 0) return i * 64 + static_cast<std::size_t>(std::countr_zero(word));
  }
  return kTopicBytesMax;
}

// --- The trie -------------------------------------------------------------------------------------------------------

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
  }
  nodes_[node].children.emplace_back(edge, index);
  return index;
}

void PatternTrie::remove_child(NodeIndex node, char edge) {
  auto& children = nodes_[node].children;
  const auto found = std::find_if(children.begin(), children.end(), [&](const auto& c) { return c.first == edge; });
  nodes_[found->second] = {};
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
  if (--size_ == 0) return release_nodes();
  for (std::size_t depth = path.size() - 1; depth > 0 && nodes_[path[depth]].unused(); --depth) {
    remove_child(path[depth - 1], pattern[depth - 1]);
  }
}

void PatternTrie::release_nodes() {
  nodes_ = std::vector<Node>(1);
  core::release_memory(free_);
}

void PatternTrie::note_places(std::string_view topic) {
  for (const char character : places_noted_) places_[static_cast<unsigned char>(character)] = {};
  places_noted_ = topic;
  for (std::size_t i = 0; i < topic.size(); ++i) places_[static_cast<unsigned char>(topic[i])].add(i);
}

// Where `part` stands first at or behind `from`, and ends at or before `end`; kTopicBytesMax: nowhere.
std::size_t PatternTrie::find(std::string_view part, std::size_t from, std::size_t end) {
  if (part.size() > end - from) return kTopicBytesMax;
  Places left = Places::all();
  for (std::size_t i = 0; i < part.size() && left.any(); ++i) {
    ++steps_;
    if (part[i] != '?') left.retain_shifted(places_[static_cast<unsigned char>(part[i])], i);
  }
  const std::size_t place = left.first_from(from);
  return place + part.size() <= end ? place : kTopicBytesMax;
}

// Each part between two `*` may stand where it fits first: further on could not help. The last one stands at the end,
// and is looked at first because most patterns that do not match differ there.
bool PatternTrie::fits(std::string_view tail, std::string_view topic, std::size_t from) {
  ++steps_;
  const std::size_t first_star = tail.find('*');
  if (first_star == std::string_view::npos) return equal(tail, topic.substr(from), steps_);
  const std::size_t last_star = tail.rfind('*');
  const std::string_view last = tail.substr(last_star + 1);
  if (first_star + last.size() > topic.size() - from) return false;
  const std::size_t end = topic.size() - last.size();
  if (!equal(last, topic.substr(end), steps_)) return false;
  if (!equal(tail.substr(0, first_star), topic.substr(from, first_star), steps_)) return false;
  from += first_star;
  for (std::size_t at = first_star + 1; at <= last_star;) {
    const std::size_t star = tail.find('*', at);
    const std::string_view part = tail.substr(at, star - at);
    at = star + 1;
    if (part.empty()) continue;
    const std::size_t place = find(part, from, end);
    if (place == kTopicBytesMax) return false;
    from = place + part.size();
  }
  return true;
}

void PatternTrie::match(std::string_view topic, const std::function<void(void*)>& found) {
  if (topic.size() > kTopicBytesMax) return;  // no topic
  note_places(topic);
  NodeIndex node = 0;
  for (std::size_t i = 0;; ++i) {
    for (const Tail& tail : nodes_[node].tails) {
      if (fits(tail.text, topic, i)) found(tail.value);
    }
    if (i == topic.size()) break;
    node = child(node, topic[i]);
    if (node == 0) return;
  }
  if (nodes_[node].value != nullptr) found(nodes_[node].value);
}

}  // namespace plait::hub
