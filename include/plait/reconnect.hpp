// ReconnectingSession: a session that comes back by itself.
#pragma once

#include <plait/client.hpp>
#include <plait/export.hpp>
#include <plait/result.hpp>
#include <plait/session.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace plait {

/// How long to wait before which attempt.
struct ReconnectPolicy {
  /// Attempts in a row that may fail, the first one included; then it is given up. 0: never.
  std::uint32_t attempts_max = 10;
  /// Before the second attempt, and before the first one after a lost session.
  Duration delay = std::chrono::seconds{1};
  /// Each further delay is so many times the one before; at least 1.
  double factor = 2;
  Duration delay_max = std::chrono::seconds{30};
  /// The part of each delay that chance may take off, 0 to 1, so that many clients do not come back at the same moment.
  double jitter = 0.5;
};

enum class LinkState : std::uint8_t {
  established,  ///< a session is open; its on_open has been called
  lost,         ///< it has ended; the next attempt follows
  failed,       ///< given up; nothing follows
};

/// One handler for a row of sessions to the same URL, on any wire: each has its on_open and its on_close, and the next
/// is connected when one has ended, however it ended. Nothing is sent again: what the old session had not delivered is
/// the handler's to repeat. All functions are for the client's thread.
class PLAIT_API ReconnectingSession {
 public:
  /// Why it is so: of `lost` the session's end, of `failed` the last attempt's; empty when established.
  using OnState = std::function<void(LinkState, const CloseInfo&)>;

  /// `client` outlives the object.
  ReconnectingSession(Client& client, std::string url, std::unique_ptr<SessionHandler> handler,
                      ConnectOptions options = {}, const ReconnectPolicy& policy = {}, OnState on_state = {});
  /// Cuts the session; nothing is called any more. Not from inside the handler's functions.
  ~ReconnectingSession();
  ReconnectingSession(const ReconnectingSession&) = delete;
  ReconnectingSession& operator=(const ReconnectingSession&) = delete;

  /// The first attempt. Errors: a URL that cannot be used.
  Result<void, Error> start();
  /// The session while it is open, else null.
  [[nodiscard]] Session* session() const;
  /// Closes for good: on_close follows if a session is open, and no other comes. (Session::close() ends one session.)
  void close(std::uint32_t code = close_code::kNormal, std::string_view reason = {});

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace plait
