// Engine: the shards of all loops and the rings between them. What plait::Hub is made of.
#pragma once

#include <plait/hub.hpp>

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "core/assert.hpp"
#include "core/seeded_hash.hpp"
#include "hub/loop_message.hpp"
#include "hub/ring.hpp"
#include "hub/shard.hpp"

namespace plait::hub {

class Engine {
 public:
  explicit Engine(HubOptions options);

  /// Once, before any of the executors runs.
  void attach(const std::vector<core::Executor*>& executors);

  [[nodiscard]] const HubOptions& options() const { return options_; }
  [[nodiscard]] Shard& shard(std::uint32_t loop) {
    PLAIT_ASSERT(loop < shards_.size(), kUnattached);
    return *shards_[loop];
  }
  [[nodiscard]] std::uint32_t home_of(std::string_view topic) const {
    PLAIT_ASSERT(loop_count_ > 0, kUnattached);
    return static_cast<std::uint32_t>(core::SeededHash{}(topic) % loop_count_);
  }
  [[nodiscard]] LoopRing& ring(std::uint32_t from, std::uint32_t to) { return *rings_[from * loop_count_ + to]; }

  /// From any thread.
  void publish(std::string_view topic, std::string_view json, Broker::PublishDone done);
  [[nodiscard]] HubStats stats() const;

 private:
  static constexpr const char* kUnattached = "Server::attach(hub) comes before sessions and publications";

  HubOptions options_;
  std::uint32_t loop_count_ = 0;
  std::vector<std::unique_ptr<LoopRing>> rings_;
  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace plait::hub
