// Home: one loop's topics. It gives them their order through its broker and sends each publication once to every loop
// that is interested, whatever the number of subscribers there.
//
// Everything a loop is told goes into one ring, so a subscriber that is added when `Subscribed` is taken out of it sees
// the answer's history and then every later publication: no gap, no duplicate. A ring that is full loses publications,
// never answers (their room is reserved); the topic's `Gap` is the next thing that loop hears of it. A `Subscribed`
// or `Watching` brings it along, since the gap is not the new subscriber's.
#pragma once

#include <plait/broker.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/seeded_hash.hpp"
#include "hub/loop_message.hpp"
#include "hub/pattern_trie.hpp"

namespace plait::hub {

/// Where a home puts what goes to the loops.
class HomeOutlet {
 public:
  /// False when that loop's ring is full.
  virtual bool try_deliver(std::uint32_t loop, LoopMessage&& message) = 0;
  /// Answers always have room.
  virtual void answer(std::uint32_t loop, LoopMessage&& message) = 0;
  /// A loop has missed something: call retry_gaps() soon.
  virtual void on_gap() = 0;

 protected:
  ~HomeOutlet() = default;
};

class Home final : public BrokerListener {
 public:
  /// Topics whose interested loops are kept only to save matching patterns again.
  static constexpr std::size_t kIdleRoutesMax = 16384;
  /// Topics of which one loop may have missed something. What would add another is refused.
  static constexpr std::size_t kGappedTopicsMax = 16384;

  /// `outlet` outlives the home; `make_broker` gets this as the listener.
  Home(HomeOutlet& outlet, const std::function<std::unique_ptr<Broker>(BrokerListener&)>& make_broker);
  Home(const Home&) = delete;
  Home& operator=(const Home&) = delete;
  ~Home();

  void handle(std::uint32_t loop, Subscribe&& request);
  void handle(std::uint32_t loop, Unsubscribe&& request);
  void handle(std::uint32_t loop, Watch&& request);
  void handle(std::uint32_t loop, Unwatch&& request);
  void handle(std::uint32_t loop, Publish&& request);
  /// For publishers that are no connection.
  void publish(std::string_view topic, Bytes payload, const PublishOptions& options, Broker::PublishDone done);

  void on_publication(const Publication& publication) override;

  /// Sends the gaps that there is room for now. True when none is left.
  bool retry_gaps();

  [[nodiscard]] std::uint64_t pattern_steps() const { return trie_.steps(); }
  /// Publications that did not fit into a ring.
  [[nodiscard]] std::uint64_t missed_count() const { return missed_count_; }
  /// Topics that are listed for retry_gaps(), once for each loop that has missed something of them.
  [[nodiscard]] std::size_t gapped_count() const;

 private:
  struct Interest {
    std::uint32_t loop = 0;
    bool exact = false;        // somebody there has subscribed to this very topic
    bool by_pattern = false;   // … to a pattern that matches it
    bool listed = false;       // among the loop's gapped topics, as it is while it has missed something
    std::uint64_t missed = 0;  // publications since the ring was full
    Position missed_until{};
  };
  struct Route {
    Bytes topic;
    std::vector<Interest> interests;
    std::uint64_t patterns_version = 0;  // of patterns_ when by_pattern was worked out
  };
  struct Pattern {
    Bytes name;
    std::vector<std::uint32_t> loops;
  };
  struct PendingPublish {
    std::uint32_t loop = 0;
    Ticket ticket{};
    Broker::PublishDone done{};  // of a publisher that is no connection: called instead
    std::uint32_t generation = 0;
  };
  /// A place in pending_, which is another's once it is answered: the broker may call `done` too often or too late.
  struct PendingRef {
    std::uint32_t index = 0;
    std::uint32_t generation = 0;
  };

  Route& route_of(const Bytes& topic);
  Route* find_route(const Bytes& topic);
  Interest* find_interest(const Bytes& topic, std::uint32_t loop);
  void match_patterns(Route& route);
  static Interest& interest_of(Route& route, std::uint32_t loop);
  void drop_idle_routes();
  void deliver(Route& route, Interest& interest, const Publication& publication);
  bool send_gap(const Bytes& topic, Interest& interest);
  void list_gap(const Bytes& topic, Interest& interest);
  bool retry_gaps_of(std::uint32_t loop);
  [[nodiscard]] bool would_list_too_many(std::string_view topic);
  std::vector<Gap> take_gaps(std::uint32_t loop);
  PendingRef remember(PendingPublish publish);
  void publish(PendingRef pending, std::string_view topic, Bytes payload, const PublishOptions& options);
  void on_history(std::uint32_t loop, const Subscribe& request, Result<History, BrokerError> result);
  void on_published(PendingRef pending, const Result<Position, BrokerError>& result);

  HomeOutlet& outlet_;
  std::unordered_map<std::string_view, std::unique_ptr<Route>, core::SeededHash> routes_;  // keys view Route::topic
  std::size_t idle_routes_ = 0;  // made since the last drop_idle_routes()
  std::unordered_map<std::string_view, std::unique_ptr<Pattern>, core::SeededHash> patterns_;
  PatternTrie trie_;
  std::uint64_t patterns_version_ = 0;
  std::vector<std::vector<Bytes>> gapped_topics_;  // of each loop, as they became so
  std::uint64_t missed_count_ = 0;
  std::vector<PendingPublish> pending_;  // so that `done` captures no more than std::function holds without allocating
  std::vector<std::uint32_t> free_pending_;
  std::unique_ptr<Broker> broker_;  // last: destroyed first, while what its callbacks use still is
};

}  // namespace plait::hub
