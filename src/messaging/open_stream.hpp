// Opening a stream whose handler wants to know it, and giving one up.
#pragma once

#include <plait/session.hpp>

#include <cstdint>
#include <memory>

namespace plait::messaging {

/// The error code of a stream that is given up (spec/messaging.md); kStructuredErrorCode is the same one.
inline constexpr std::uint32_t kGivenUpCode = 0xC;

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
