// error: use of deleted function|deleted (copy )?constructor|implicitly deleted
// A session for scripts moves; two owners would close it twice.
#include <plait/client.hpp>

#include <utility>

plait::BlockingClient hand_over(plait::BlockingClient& client) {
#ifdef MISUSE
  return client;
#else
  return std::move(client);
#endif
}
