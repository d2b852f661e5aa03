// The version of this release, what it needs of the compiler, and PLAIT_API: what libplait.so exports. Everything else
// in that library is hidden.
#pragma once

#if __cplusplus < 202002L
#error "Plait needs C++20: compile with -std=c++20 or later"
#endif

#define PLAIT_API __attribute__((visibility("default")))

namespace plait {

inline constexpr const char kVersion[] = "0.1.0";

}  // namespace plait
