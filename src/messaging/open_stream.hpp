// Opening a stream whose handler wants to know it.
#pragma once

#include <plait/session.hpp>

#include <memory>

namespace plait::messaging {

/// Opens a stream for `handler`, and sets its `member` to that stream. The handler belongs to the session.
template <class Handler>
Result<Handler*, StreamError> open_stream(Session& session, StreamDirection direction, std::unique_ptr<Handler> handler,
                                          Stream* Handler::*member) {
  Handler* const opened = handler.get();
  const auto stream = session.open_stream(direction, std::move(handler));
  if (!stream) return err(stream.error());
  opened->*member = *stream;
  return opened;
}

}  // namespace plait::messaging
