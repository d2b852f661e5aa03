// error: use of deleted function|deleted (copy )?constructor
// A client has one owner, and its sessions hold references to it.
#include <plait/client.hpp>

void run(plait::Client& client) {
#ifdef MISUSE
  plait::Client other = client;
#else
  plait::Client& other = client;
#endif
  other.run();
}
