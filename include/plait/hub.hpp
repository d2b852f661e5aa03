// Hub: topics with history and recovery, served to the sessions of any Server (spec/protocol.md).
#pragma once

#include <plait/broker.hpp>
#include <plait/config.hpp>
#include <plait/limits.hpp>
#include <plait/session.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace plait::hub {
class Engine;
}

namespace plait {

/// Where `plait serve` has its hub, on every wire.
inline constexpr std::string_view kHubPath = "/wse";

enum class TopicAction : std::uint8_t { subscribe, publish };

/// May `user` do that? For a subscription `topic` may be a pattern. Called on any loop, several at once; must not
/// block.
using Authorizer = std::function<bool(std::string_view user, std::string_view topic, TopicAction action)>;

/// Who opens a session.
struct Identity {
  bool authenticated = true;
  std::string user;    ///< any text; shown to the client and given to the Authorizer
  std::string reason;  ///< not authenticated: for the client, in the error and in the close frame
  /// Not authenticated: 400–599 refuses the opening handshake with this status; 0 opens it, says why and closes with
  /// 4401, as WSE's clients expect.
  int refusal_status = 0;
  /// Authenticated: until when, as the `exp` of an access token says. The session is told and closed with 4401 then;
  /// none: it may last. Costs a timer.
  std::optional<WallTime> expires{};
};
/// Called once per session, on any loop, several at once; must not block.
using Authenticator = std::function<Identity(const OpeningRequest&)>;

struct PLAIT_API HubOptions {
  /// Makes what orders and keeps publications, once per loop.
  BrokerFactory broker = memory_broker();
  /// Empty: every session is the user "anonymous".
  Authenticator authenticate;
  /// Empty: every user may do everything.
  Authorizer authorize;
  /// Topics and patterns per connection.
  std::size_t subscriptions_max = 100;
  /// Patterns among them.
  std::size_t patterns_max = 32;
  /// Different patterns of all connections of a loop. The first publication of a topic, and its first after a pattern
  /// came or went, tries each on every loop that it reaches, and those of all loops at the topic's home: mostly some ns
  /// each, up to 4 µs for patterns that are made to cost.
  std::size_t patterns_total_max = 2048;
  /// Messages that a connection may send at once, and per second on average; a capacity of 0 limits nothing.
  double rate_limit_capacity = 0;
  double rate_limit_refill = 0;
  /// Told to clients as the largest message; set it to the server's Limits::message_bytes_max.
  std::size_t message_bytes_max = Limits{}.message_bytes_max;
  /// Whether the broker keeps history, and the clients are told so.
  bool recovery = true;
  /// Publications that may wait between each two loops; beyond, the waiting loop's subscribers get a gap notice. Less
  /// than 2 counts as 2, more than 2^24 as 2^24.
  /// Memory: 200 bytes for each pair of loops, 7 to 13 KB once it has been used, and 104 bytes for each entry that
  /// waits beyond; what a burst took goes as the pair is used again.
  std::size_t ring_capacity = 8192;
  /// Bytes of payload at which no further publication waits between two loops, in one direction; what was asked for
  /// first may be larger. Beyond, subscribers get a gap notice, and publishers are paused from half of it on. 0 counts
  /// as 1. What waits for several loops exists once.
  std::size_t ring_bytes_max = std::size_t{64} << 20;
  /// Sources of time and of randomness for ids and epochs (uniqueness, not secrecy). Called on any loop.
  std::function<WallTime()> wall_clock = system_wall_clock;
  std::function<void(MutableByteView)> random = system_random;

  static WallTime system_wall_clock();
  static void system_random(MutableByteView bytes);
};

/// What all loops have counted since start.
struct HubStats {
  std::uint64_t connections_open = 0;
  std::uint64_t subscriptions_open = 0;
  std::uint64_t messages_received = 0;
  std::uint64_t messages_invalid = 0;       ///< that break a rule of the protocol; answered with an error
  std::uint64_t messages_ignored = 0;       ///< of a type that nothing handles; with a cid answered with an error
  std::uint64_t messages_rate_limited = 0;  ///< refused by rate_limit_capacity
  std::uint64_t publications = 0;           ///< that got a position
  std::uint64_t publications_refused = 0;   ///< answered with an error; those of invalid messages, too
  std::uint64_t deliveries = 0;             ///< publications handed to a session
  std::uint64_t missed_by_sessions = 0;     ///< not handed to a session that was too slow; a gap notice says so
  std::uint64_t missed_by_loops = 0;        ///< not handed to a loop whose ring was full; gap notices say so
};

/// Serves one server, which it outlives. Made before, shared by all loops.
class PLAIT_API Hub {
 public:
  explicit Hub(HubOptions options = {});
  ~Hub();
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  /// For Server::listen, beside Server::attach. To know who is there, wrap what it makes: a handler of your own that
  /// keeps one of these and passes every function on to it sees each session come and go, with its path and the user
  /// that OpeningRequest::user() names once the inner on_request() has returned.
  HandlerFactory handler();

  /// Publishes one JSON value (not checked) from any thread, after Server::attach() and until the server is destroyed.
  /// `done` is called on the topic's loop, and what it throws is logged; once run() has returned it is not called any
  /// more. Returns false, and does nothing, if `topic` is no valid name.
  bool publish(std::string_view topic, std::string_view json, Broker::PublishDone done = {});
  /// From any thread.
  [[nodiscard]] HubStats stats() const;

 private:
  friend struct HubAccess;
  std::unique_ptr<hub::Engine> engine_;
};

}  // namespace plait
