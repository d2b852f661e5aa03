#include "transport/no_session.hpp"

#include "core/guard.hpp"

namespace plait::transport {

void tell_not_opened(SessionHandler& handler, const CloseInfo& info, core::Executor& executor, SessionId id) {
  NoSession session{executor, id};
  core::guarded("a session handler", [&] { handler.on_close(session, info); });
}

}  // namespace plait::transport
