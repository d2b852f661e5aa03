// PatternTrie: which of many patterns match a topic, in one walk over the topic.
//
// Patterns share their beginnings, up to the first `*` or `?` but at most kBranchBytesMax bytes, in one trie: a node
// takes some hundred bytes, a character of a name one. What a pattern has from there on stands in the node where its
// beginning ends, and is tried against the rest of the topic. For a trial the places of each
// character of the topic are known as a set of bits, so that a part between two `*` is tried at all places at once: a
// trial is at most one step per character of the pattern, whatever the pattern is. (Trying one place after the other
// cost up to 128 times as much for patterns like *aaa…, and walking along all branches at each `?` up to 20 µs a
// pattern in cache misses; who subscribes chooses them.) The callers keep the answer per topic, so that a publication
// costs no matching at all until a pattern comes or goes.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/topic_name.hpp"

namespace plait::hub {

class PatternTrie {
 public:
  /// Nodes that one pattern may need.
  static constexpr std::size_t kBranchBytesMax = 16;

  PatternTrie();

  /// Adds `pattern` with a value that match() gives back. It must not be in the trie.
  void insert(std::string_view pattern, void* value);
  /// Removes it again, and the nodes that only it needed; with the last one all memory of nodes. It must be in the
  /// trie.
  void erase(std::string_view pattern);
  /// Calls `found` with the value of each pattern that matches all of `topic`; none does if it has more than
  /// kTopicBytesMax bytes.
  void match(std::string_view topic, const std::function<void(void*)>& found);

  [[nodiscard]] bool empty() const { return size_ == 0; }
  /// Trials and the characters looked at in them, ever.
  [[nodiscard]] std::uint64_t steps() const { return steps_; }
  [[nodiscard]] std::size_t node_count() const { return nodes_.size() - free_.size(); }
  /// Nodes that there is memory for now.
  [[nodiscard]] std::size_t allocated() const { return nodes_.capacity(); }

 private:
  using NodeIndex = std::uint32_t;
  struct Tail {
    std::string text;
    void* value = nullptr;
  };
  struct Node {
    std::vector<std::pair<char, NodeIndex>> children;
    std::vector<Tail> tails;
    void* value = nullptr;  // of the pattern that ends here
    [[nodiscard]] bool unused() const { return children.empty() && tails.empty() && value == nullptr; }
  };

  /// A set of places in a topic.
  class Places {
   public:
    static Places all() {
      Places places;
      places.words_.fill(~std::uint64_t{0});
      return places;
    }
    void add(std::size_t place) { words_[place / 64] |= std::uint64_t{1} << (place % 64); }
    /// Keeps those that are in `other` when `by` is added to them.
    void retain_shifted(const Places& other, std::size_t by);
    [[nodiscard]] bool any() const {
      return std::any_of(words_.begin(), words_.end(), [](std::uint64_t word) { return word != 0; });
    }
    /// The first at or behind `place`; kTopicBytesMax if there is none.
    [[nodiscard]] std::size_t first_from(std::size_t place) const;

   private:
    std::array<std::uint64_t, kTopicBytesMax / 64> words_{};
  };

  void note_places(std::string_view topic);
  [[nodiscard]] std::size_t find(std::string_view part, std::size_t from, std::size_t end);
  [[nodiscard]] bool fits(std::string_view tail, std::string_view topic, std::size_t from);
  [[nodiscard]] NodeIndex child(NodeIndex node, char edge) const;
  NodeIndex add_child(NodeIndex node, char edge);
  void remove_child(NodeIndex node, char edge);
  void release_nodes();

  std::vector<Node> nodes_;  // [0] is the root, which is no one's child: 0 stands for none
  std::vector<NodeIndex> free_;
  std::array<Places, 256> places_{};  // of each character in places_noted_
  std::string places_noted_;
  std::uint64_t steps_ = 0;
  std::size_t size_ = 0;
};

}  // namespace plait::hub
