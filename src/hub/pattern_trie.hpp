// PatternTrie: which of many patterns match a topic, in one walk over the topic.
//
// Patterns share their beginnings in one trie whose edges are characters, `?` and `*`. A topic is matched by carrying
// the set of trie nodes that its characters up to here can have reached; a node entered by `*` stays in the set. The
// work is bounded by the topic's length times the nodes alive at once, whatever the number of patterns that do not fit;
// and the callers keep the answer per topic, so that a publication costs no matching at all until a pattern comes or
// goes.
#pragma once

#include <cstdint>
#include <functional>
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
  [[nodiscard]] std::size_t node_count() const { return nodes_.size() - free_.size(); }

 private:
  using NodeIndex = std::uint32_t;
  struct Node {
    std::vector<std::pair<char, NodeIndex>> children;
    void* value = nullptr;
    bool by_star = false;       // its edge is `*`: it may take any character and stay
    std::uint64_t reached = 0;  // the step of the walk that last put it into the set
  };

  [[nodiscard]] NodeIndex child(NodeIndex node, char edge) const;
  NodeIndex add_child(NodeIndex node, char edge);
  void remove_child(NodeIndex node, char edge);
  void reach(NodeIndex node);
  void step(char character);

  std::vector<Node> nodes_;  // [0] is the root, which is no one's child: 0 stands for none
  std::vector<NodeIndex> free_;
  std::vector<NodeIndex> alive_;
  std::vector<NodeIndex> next_;
  std::uint64_t steps_ = 0;
  std::size_t size_ = 0;
};

}  // namespace plait::hub
