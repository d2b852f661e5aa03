// error: cannot convert|could not convert|no viable conversion|conversion from
// A Result is not its value: the error must be looked at first.
#include <plait/result.hpp>

plait::Result<int, plait::Error> port();

int port_or_default() {
#ifdef MISUSE
  const int value = port();
  return value;
#else
  return port().value_or(8800);
#endif
}
