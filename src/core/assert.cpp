#include "core/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace plait::core {

void fail_assertion(const char* condition, const char* why, const char* file, int line) {
  std::fprintf(stderr, "plait: %s:%d: %s (%s)\n", file, line, why, condition);
  std::abort();
}

}  // namespace plait::core
