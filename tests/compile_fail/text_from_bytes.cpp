// error: cannot convert|could not convert|no viable conversion|conversion
// Bytes that nobody has checked to be UTF-8 are not a text message.
#include <plait/session.hpp>

plait::Message answer(plait::ByteView data) {
#ifdef MISUSE
  return plait::Message::text(data);
#else
  return plait::Message::binary(data);
#endif
}
