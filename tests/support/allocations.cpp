#include "support/allocations.hpp"

#include <algorithm>
#include <cstdlib>

namespace plait::test {
namespace {

bool counting = false;
Allocations allocations;

void note(std::size_t size) {
  if (!counting) return;
  ++allocations.count;
  allocations.bytes_max = std::max(allocations.bytes_max, size);
  allocations.bytes += size;
}

}  // namespace

void start_counting() {
  allocations = {};
  counting = true;
}

Allocations stop_counting() {
  counting = false;
  return allocations;
}

}  // namespace plait::test

// glibc lets a program replace malloc and still reach its own; a sanitizer has replaced it already and offers a hook.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define PLAIT_TEST_SANITIZED
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PLAIT_TEST_SANITIZED
#endif

#ifdef PLAIT_TEST_SANITIZED
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*)(const volatile void*, std::size_t),
                                                         void (*)(const volatile void*));
namespace {
[[maybe_unused]] const int installed = __sanitizer_install_malloc_and_free_hooks(
    [](const volatile void*, std::size_t size) { plait::test::note(size); }, [](const volatile void*) {});
}
#else
extern "C" {
void* __libc_malloc(std::size_t size);
void* malloc(std::size_t size) {
  plait::test::note(size);
  return __libc_malloc(size);
}
}
#endif
