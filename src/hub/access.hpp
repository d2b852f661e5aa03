// HubAccess: what the server, and nobody else, does with a Hub.
#pragma once

#include <plait/hub.hpp>

#include <vector>

#include "core/executor.hpp"

namespace plait {

struct HubAccess {
  /// Once, before the loops turn: executors[i] is the loop of sessions whose SessionId::loop is i. They must not run
  /// anything of the hub's any more when it is destroyed.
  static void attach(Hub& hub, const std::vector<core::Executor*>& executors);
};

}  // namespace plait
