// Audience: who on this loop has subscribed to what, and the fan-out to them.
//
// Publications of one turn are gathered per topic and delivered together: each is encoded once per form in use, and
// each subscriber is visited once for all of them, so that it is in the cache for the second. A topic knows the
// patterns that match it until the set of patterns changes, or all lists together become too long and are begun anew.
#pragma once

#include <plait/broker.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/seeded_hash.hpp"
#include "hub/burst.hpp"
#include "hub/loop_message.hpp"
#include "hub/pattern_trie.hpp"

namespace plait::hub {

class Connection;

/// A connection that has subscribed to a subject; `slot` is its place in the connection's list.
struct Subscriber {
  Connection* connection = nullptr;
  std::uint32_t slot = 0;
};

/// What one can subscribe to: a topic, or a pattern of topics.
struct Subject {
  Subject(Bytes subject_name, bool pattern) : name(std::move(subject_name)), is_pattern(pattern) {}
  Bytes name;
  const bool is_pattern;
  bool known_at_home = false;  ///< a home counts, or soon will, this loop in
  bool maybe_unused = false;   ///< listed for forget_unused()
  std::uint32_t requests = 0;  ///< subscriptions under way
  std::vector<Subscriber> subscribers;
  [[nodiscard]] bool unused() const { return subscribers.empty() && requests == 0; }
};

struct Pattern final : Subject {
  explicit Pattern(Bytes pattern_name) : Subject(std::move(pattern_name), true) {}
  std::uint32_t homes_left = 0;  ///< that do not watch it yet
  std::vector<Ticket> waiting;
  [[nodiscard]] bool active() const { return known_at_home && homes_left == 0; }
};

struct Topic final : Subject {
  explicit Topic(Bytes topic_name) : Subject(std::move(topic_name), false) {}
  Position newest;               ///< that this loop's subscribers were given, were told to miss, or began at
  std::unique_ptr<Burst> burst;  ///< null unless publications wait for the turn's end
  std::vector<Pattern*> patterns;
  std::uint64_t patterns_version = 0;
};

class Audience {
 public:
  /// Tells the homes that a subject has no subscriber here any more. False when there is no room in the ring now.
  using TryLeave = std::function<bool(const Subject&)>;

  /// Publications of one topic that are gathered before they are delivered.
  static constexpr std::size_t kBurstMax = 64;
  /// Bursts that are kept for the next topics: what they have grown to is a loop's, not each topic's.
  static constexpr std::size_t kSpareBurstsMax = 256;
  /// Topics that are kept only because patterns match them.
  static constexpr std::size_t kIdleTopicsMax = 16384;
  /// Patterns in the lists of all topics, 8 bytes each.
  static constexpr std::size_t kListedPatternsMax = std::size_t{1} << 20;

  explicit Audience(TryLeave try_leave) : try_leave_(std::move(try_leave)) {}

  /// The subject, made if it is new.
  Topic& topic(std::string_view name);
  Pattern& pattern(std::string_view name);
  /// Null if nobody here has to do with it.
  [[nodiscard]] Subject* find(std::string_view name);

  /// Adds a subscriber, which hears everything that is delivered from now on, and returns its index in
  /// subject.subscribers.
  std::uint32_t add(Subject& subject, Subscriber subscriber);
  /// The patterns that match the topic; valid until they are asked for of another one.
  const std::vector<Pattern*>& patterns_of(Topic& topic);
  /// The same for one that may be unknown here.
  [[nodiscard]] std::vector<Pattern*> patterns_of(std::string_view topic);
  /// Removes the subscriber at `index`.
  void remove(Subject& subject, std::uint32_t index);
  /// Call when a request has ended without a subscriber.
  void check_unused(Subject& subject);

  // What comes out of the rings:
  void handle(Publication&& publication);
  void handle(const Gap& gap);
  /// One more home watches the pattern. True when all do: from now on it matches.
  bool handle_watching(Pattern& pattern);

  /// Delivers what has been gathered of `topic`.
  void deliver(Topic& topic);
  /// Delivers what has been gathered of all topics.
  void deliver_all();
  /// Tells the homes of subjects without users and forgets these. False when a ring had no room: call again.
  bool forget_unused();

  [[nodiscard]] std::size_t pattern_count() const { return patterns_.size(); }
  [[nodiscard]] std::uint64_t pattern_steps() const { return trie_.steps(); }
  [[nodiscard]] std::size_t subject_count() const { return topics_.size() + patterns_.size(); }
  [[nodiscard]] std::size_t listed_pattern_count() const { return listed_patterns_; }
  [[nodiscard]] std::size_t spare_burst_count() const { return spare_bursts_.size(); }

 private:
  Topic* listening_topic(const Bytes& name);
  void match_patterns(Topic& topic);
  void forget_list(Topic& topic);
  void forget_lists();
  [[nodiscard]] std::unique_ptr<Burst> take_burst();
  void give_back(std::unique_ptr<Burst> burst);
  /// Calls visit(connection, slot) once per connection that hears of `topic`.
  template <class Visit>
  void for_each_listener(Topic& topic, const Visit& visit);
  void drop_idle_topics();

  const TryLeave try_leave_;
  std::unordered_map<std::string_view, std::unique_ptr<Topic>, core::SeededHash> topics_;  // keys view Subject::name
  std::unordered_map<std::string_view, std::unique_ptr<Pattern>, core::SeededHash>
      patterns_;      // keys view Subject::name
  PatternTrie trie_;  // patterns that are active
  std::uint64_t patterns_version_ = 0;
  std::vector<Pattern*> matching_;  // those of one topic, to make a list of just their number
  std::size_t listed_patterns_ = 0;
  std::vector<Topic*> gathered_;
  std::vector<std::unique_ptr<Burst>> spare_bursts_;
  std::vector<Subject*> maybe_unused_;
  std::size_t idle_topics_ = 0;  // made since the last drop_idle_topics()
  std::uint64_t visit_ = 0;
};

}  // namespace plait::hub
