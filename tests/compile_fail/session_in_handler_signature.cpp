// error: marked .override., but does not override|marked 'override' but does not override
// A handler function with a wrong signature is not silently left uncalled.
#include <plait/session.hpp>

struct Echo : plait::SessionHandler {
#ifdef MISUSE
  void on_message(plait::Session& session, plait::Message message) override { session.send(message); }
#else
  void on_message(plait::Session& session, const plait::Message& message) override { session.send(message); }
#endif
};
