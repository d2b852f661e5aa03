// error: use of deleted function|deleted (copy )?constructor
// A server has one owner.
#include <plait/server.hpp>

#include <memory>

void keep(std::unique_ptr<plait::Server>& kept, std::unique_ptr<plait::Server> server) {
#ifdef MISUSE
  kept = std::make_unique<plait::Server>(*server);
#else
  kept = std::move(server);
#endif
}
