#include "transport/no_session.hpp"

#include <plait/log.hpp>

#include <exception>
#include <string>

namespace plait::transport {

void tell_not_opened(SessionHandler& handler, core::Executor& executor, const CloseInfo& info, SessionId id) {
  NoSession session{executor, id};
  try {
    handler.on_close(session, info);
  } catch (const std::exception& exception) {
    log(LogLevel::error, std::string{"a session handler threw: "} + exception.what());
  } catch (...) {
    log(LogLevel::error, "a session handler threw something that is not a std::exception");
  }
}

}  // namespace plait::transport
