// PatternTrie: which of many patterns match a topic, in one walk over the topic.
//
// Patterns share their beginnings, up to the first `*`, in one trie whose edges are characters and `?`. What a pattern
// has from its first `*` on stands in the node where that beginning ends, and is tried against the rest of the topic.
// So a walk costs at most one node per pattern and character plus one trial per beginning that fits; a trial is at most
// (rest of the pattern) × (rest of the topic) comparisons, whatever the patterns are. Carrying `*` along in a set of
// nodes cost 16 times as much for patterns like a*aaa…. The callers keep the answer per topic, so that a publication
// costs no matching at all until a pattern comes or goes.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace plait::hub {

class PatternTrie {
 public:
  PatternTrie();

  /// Adds `pattern` with a value that match() gives back. It must not be in the trie.
  void insert(std::string_view pattern, void* value);
  /// Removes it again, and the nodes that only it needed. It must be in the trie.
  void erase(std::string_view pattern);
  /// Calls `found` with the value of each pattern that matches all of `topic`.
  void match(std::string_view topic, const std::function<void(void*)>& found);

  [[nodiscard]] bool empty() const { return size_ == 0; }
  /// Comparisons made for what follows a `*`, ever.
  [[nodiscard]] std::uint64_t steps() const { return steps_; }
  [[nodiscard]] std::size_t node_count() const { return nodes_.size() - free_.size(); }

 private:
  using NodeIndex = std::uint32_t;
  struct Tail {
    std::string text;  // begins with the pattern's first `*`
    void* value = nullptr;
  };
  struct Node {
    std::vector<std::pair<char, NodeIndex>> children;
    std::vector<Tail> tails;
    void* value = nullptr;  // of the pattern that ends here
    [[nodiscard]] bool unused() const { return children.empty() && tails.empty() && value == nullptr; }
  };

  [[nodiscard]] NodeIndex child(NodeIndex node, char edge) const;
  NodeIndex add_child(NodeIndex node, char edge);
  void remove_child(NodeIndex node, char edge);
  void step(char character);

  std::vector<Node> nodes_;  // [0] is the root, which is no one's child: 0 stands for none
  std::vector<NodeIndex> free_;
  std::vector<NodeIndex> alive_;
  std::vector<NodeIndex> next_;
  std::uint64_t steps_ = 0;
  std::size_t size_ = 0;
};

}  // namespace plait::hub
