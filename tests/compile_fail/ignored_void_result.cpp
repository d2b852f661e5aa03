// error: ignoring returned value|ignoring return value
// A message that a script failed to send cannot be overlooked.
#include <plait/client.hpp>

bool say_hello(plait::BlockingClient& client) {
#ifdef MISUSE
  client.send(plait::Message::text("hello"));
  return true;
#else
  return client.send(plait::Message::text("hello")).has_value();
#endif
}
