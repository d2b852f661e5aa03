// Executor: what a layer without sockets needs of a loop. net::Loop is one; tests have one on a virtual clock.
#pragma once

#include <plait/executor.hpp>

#include "core/timer.hpp"

namespace plait::core {

using Executor = plait::Executor;

}  // namespace plait::core
