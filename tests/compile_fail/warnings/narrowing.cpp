// error: \[-Werror=conversion\]|\[-Werror,-Wshorten-64-to-32\]
// A warning is an error on every target: the flags are those of cmake/warnings.cmake.
#include <cstddef>

int narrow(std::size_t size) {
#ifdef MISUSE
  return size;
#else
  return static_cast<int>(size);
#endif
}
