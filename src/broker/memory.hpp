// MemoryBroker: stamps and keeps publications in this process. Completes inside each call.
//
// Topics stand by last use, so that both bounds over all topics (bytes and count) take from a list's front. Those that
// nobody has published to stand in a list of their own and are the first to go: names that are only subscribed to do
// not drive out topics that have something to lose. A topic drops what is too old when it is touched; a timer goes
// round all topics, a bounded part each time, for those that are not.
#pragma once

#include <plait/broker.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <string_view>
#include <unordered_map>

#include "core/executor.hpp"
#include "core/seeded_hash.hpp"

namespace plait::broker {

class MemoryBroker final : public Broker {
 public:
  /// Makes an epoch; called for every topic that begins.
  using RandomEpoch = std::function<std::uint32_t()>;

  /// What a kept publication takes besides the block that its payload lies in.
  static constexpr std::size_t kOverheadBytes = 192;
  /// What a topic takes besides its name: its places in the lists and the map, and what holds its name.
  static constexpr std::size_t kTopicOverheadBytes = 320;
  /// … and, while it keeps something, the list of that.
  static constexpr std::size_t kKeptListBytes = 704;
  /// Topics looked at and publications dropped in one round of the timer, together.
  static constexpr std::size_t kSweepMax = 8192;

  /// `executor` and `listener` outlive the broker.
  MemoryBroker(const MemoryBrokerOptions& options, core::Executor& executor, BrokerListener& listener,
               RandomEpoch random_epoch);

  void publish(std::string_view topic, Bytes payload, const PublishOptions& options, PublishDone done) override;
  void history(std::string_view topic, std::optional<Position> since, HistoryDone done) override;

  [[nodiscard]] std::size_t topic_count() const { return published_.size() + unpublished_.size(); }
  [[nodiscard]] std::size_t kept_bytes() const { return kept_bytes_; }    ///< of payload
  [[nodiscard]] std::size_t total_bytes() const { return total_bytes_; }  ///< of all, as total_bytes_max counts them

 private:
  struct Kept {
    Publication publication;
    core::TimePoint expires;
  };
  struct Topic {
    Bytes name;
    Position position;
    std::unique_ptr<std::deque<Kept>> kept;  // oldest first; null: none
    std::size_t kept_bytes = 0;              // of payload
    std::size_t total_bytes = 0;             // with what total_bytes_max counts beside it
    std::list<Topic*>::iterator in_sweep;
    [[nodiscard]] std::size_t kept_count() const { return kept == nullptr ? 0 : kept->size(); }
  };
  using Topics = std::list<Topic>;
  class SweepTimer final : public core::Timer {
   public:
    explicit SweepTimer(MemoryBroker& broker) : broker_(broker) {}

   private:
    void on_timer(core::TimePoint) override { broker_.sweep(); }
    MemoryBroker& broker_;
  };

  Topics::iterator touch(std::string_view name);
  void keep(Topic& topic, const Publication& publication);
  void expire(Topic& topic, std::size_t count_max = ~std::size_t{0});
  void drop_oldest(Topic& topic);
  void grow(Topic& topic, std::size_t bytes);
  void shrink(Topic& topic, std::size_t bytes);
  bool forget_oldest(Topics& topics, const Topic& used);
  void enforce_totals(const Topic& used);
  void sweep();
  void schedule_sweep();

  const MemoryBrokerOptions options_;
  core::Executor& executor_;
  BrokerListener& listener_;
  const RandomEpoch random_epoch_;
  Topics published_;                                                                  // used longest ago first
  Topics unpublished_;                                                                // the same
  std::unordered_map<std::string_view, Topics::iterator, core::SeededHash> by_name_;  // keys view Topic::name
  std::list<Topic*> sweep_;                                                           // looked at longest ago first
  std::size_t kept_bytes_ = 0;
  std::size_t total_bytes_ = 0;
  std::size_t unpublished_bytes_ = 0;  // of these
  std::size_t kept_count_ = 0;
  SweepTimer sweep_timer_{*this};
};

}  // namespace plait::broker
