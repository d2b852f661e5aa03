// PLAIT_ASSERT: for programmer errors, in every build type. Peer errors and the environment never reach it.
#pragma once

namespace plait::core {

[[noreturn]] void fail_assertion(const char* condition, const char* why, const char* file, int line);

}  // namespace plait::core

#define PLAIT_ASSERT(condition, why) \
  ((condition) ? static_cast<void>(0) : ::plait::core::fail_assertion(#condition, why, __FILE__, __LINE__))
