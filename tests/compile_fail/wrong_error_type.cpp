// error: cannot convert|no matching function|no viable|could not convert|conversion
// The error of one layer does not pass for the error of another.
#include <plait/result.hpp>

enum class FrameError { reserved_bit };
enum class HeadError { bad_method };

plait::Result<int, HeadError> parse_head() {
#ifdef MISUSE
  return plait::err(FrameError::reserved_bit);
#else
  return plait::err(HeadError::bad_method);
#endif
}
