#include "hub/engine.hpp"

#include <algorithm>

#include "core/assert.hpp"

namespace plait::hub {
namespace {

constexpr std::size_t kRingCapacityMin = 2;  // a gap and the publication behind it
constexpr std::size_t kRingCapacityMax = std::size_t{1} << 24;

}  // namespace

Engine::Engine(HubOptions options) : options_(std::move(options)) {
  options_.ring_capacity = std::clamp(options_.ring_capacity, kRingCapacityMin, kRingCapacityMax);
  options_.ring_bytes_max = std::max(options_.ring_bytes_max, std::size_t{1});
}

void Engine::attach(const std::vector<core::Executor*>& executors) {
  PLAIT_ASSERT(shards_.empty() && !executors.empty(), "a hub is attached once, to at least one loop");
  loop_count_ = static_cast<std::uint32_t>(executors.size());
  for (std::size_t i = 0; i < executors.size() * executors.size(); ++i) {
    rings_.push_back(std::make_unique<LoopRing>(options_.ring_capacity + Shard::kAnswersMax));
  }
  for (std::uint32_t i = 0; i < loop_count_; ++i) {
    shards_.push_back(std::make_unique<Shard>(*this, *executors[i], i, loop_count_));
  }
}

void Engine::publish(std::string_view topic, std::string_view json, Broker::PublishDone done) {
  Bytes payload = Bytes::copy_of(json);
  payload.share_between_threads();
  Shard& home = shard(home_of(topic));
  home.executor().post([&home, topic = std::string{topic}, payload = std::move(payload), done = std::move(done)] {
    home.publish_here(topic, payload, done);
  });
}

HubStats Engine::stats() const {
  HubStats sum;
  for (const auto& shard : shards_) core::add_to(sum, shard->counters(), kMetrics);
  return sum;
}

}  // namespace plait::hub
