// error: cannot convert|no viable conversion|conversion
// A Result<bool> passed as a bool would say "there is a value", not the value.
#include <plait/result.hpp>

plait::Result<bool, plait::Error> is_ready();
void show(bool ready);

void show_readiness() {
#ifdef MISUSE
  show(is_ready());
#else
  const auto ready = is_ready();
  show(ready && *ready);
#endif
}
