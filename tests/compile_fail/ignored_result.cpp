// error: ignoring returned value|ignoring return value
// A failed listen() cannot be overlooked.
#include <plait/server.hpp>

void start(plait::Server& server, plait::HandlerFactory factory) {
#ifdef MISUSE
  server.listen("ws://[::1]:0/", factory);
#else
  if (!server.listen("ws://[::1]:0/", factory)) return;
#endif
}
