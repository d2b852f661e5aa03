// Expiry: the end of a session whose user is authenticated for a time only.
#pragma once

#include "hub/connection.hpp"
#include "hub/shard.hpp"

namespace plait::hub {

class Expiry final : private core::Timer {
 public:
  /// `connection` outlives this. At `end`, or soon if that is over, it is expired.
  Expiry(Shard& shard, Connection& connection, WallTime end);

 private:
  void on_timer(core::TimePoint now) override;
  void wait();

  Shard& shard_;
  Connection& connection_;
  const WallTime end_;
};

}  // namespace plait::hub
