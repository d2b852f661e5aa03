// MemoryBroker: stamps and keeps publications in this process. Completes inside each call.
//
// Topics stand in one list by last use, so that both bounds over all topics (bytes and count) take from its front.
// Expiry by time is lazy: a topic drops what is too old when it is touched, and what is never touched again is bounded
// by the limits, so no timer is needed.
#pragma once

#include <plait/broker.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <string_view>
#include <unordered_map>

#include "core/executor.hpp"

namespace plait::broker {

class MemoryBroker final : public Broker {
 public:
  /// Makes an epoch; called for every topic that begins.
  using RandomEpoch = std::function<std::uint32_t()>;

  /// `executor` (for the time) and `listener` outlive the broker.
  MemoryBroker(const MemoryBrokerOptions& options, const core::Executor& executor, BrokerListener& listener,
               RandomEpoch random_epoch);

  void publish(std::string_view topic, Bytes payload, const PublishOptions& options, PublishDone done) override;
  void history(std::string_view topic, std::optional<Position> since, HistoryDone done) override;

  [[nodiscard]] std::size_t topic_count() const { return topics_.size(); }
  [[nodiscard]] std::size_t kept_bytes() const { return kept_bytes_; }

 private:
  struct Kept {
    Publication publication;
    core::TimePoint expires;
  };
  struct Topic {
    Bytes name;
    Position position;
    std::deque<Kept> kept;  // oldest first
    std::size_t kept_bytes = 0;
  };
  using Topics = std::list<Topic>;

  Topic& touch(std::string_view name);
  void keep(Topic& topic, const Publication& publication);
  void expire(Topic& topic);
  void drop_oldest(Topic& topic);
  void enforce_totals();

  const MemoryBrokerOptions options_;
  const core::Executor& executor_;
  BrokerListener& listener_;
  const RandomEpoch random_epoch_;
  Topics topics_;                                                   // used longest ago first
  std::unordered_map<std::string_view, Topics::iterator> by_name_;  // keys view Topic::name
  std::size_t kept_bytes_ = 0;
};

}  // namespace plait::broker
