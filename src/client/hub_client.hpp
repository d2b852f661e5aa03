// HubClient: one session with a hub (spec/protocol.md) for scripts; each call turns a loop of its own until it is done.
#pragma once

#include <plait/client.hpp>
#include <plait/result.hpp>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace plait::codec {
class JsonParser;
class JsonValue;
}  // namespace plait::codec

namespace plait::client {

class HubClient {
 public:
  /// Where a topic stands, as the wire has it.
  struct Position {
    std::string epoch;
    std::uint64_t offset = 0;
  };

  struct Publication {
    std::string topic;
    std::string data;      ///< JSON text
    std::string envelope;  ///< the whole message, JSON text
  };
  /// Messages that a subscription will not get: the client was too slow, or could not be given what it missed.
  struct Gap {
    std::string topic;
    std::optional<std::uint64_t> missed;  ///< none: unknown, and perhaps there were none
  };
  struct Received {
    std::optional<Publication> publication;
    std::optional<Gap> gap;
  };

  /// Connects and waits for the hub's greeting. A URL without a path gets the hub's usual one, /wse.
  /// Errors: what failed, with the server's status and reason.
  static Result<HubClient, Error> connect(std::string_view url, const ConnectOptions& options);
  HubClient(HubClient&&) noexcept;
  HubClient& operator=(HubClient&&) noexcept;
  ~HubClient();

  /// Returns when the hub has confirmed all `topics` (names or patterns), and continues where `positions()` stood, if
  /// this or a former client's positions were given to resume_from(). Errors name the topic that was refused, with
  /// status 403.
  Result<void, Error> subscribe(const std::vector<std::string>& topics, Duration timeout);
  /// Publishes one JSON value and returns its position when the hub has stamped it. Errors: the hub's code and message.
  Result<Position, Error> publish(std::string_view topic, std::string_view json, Duration timeout);
  /// After a request that was refused since there were too many: when the hub takes one again; nullopt after others,
  /// and if it never will. It says so once: who asks earlier gets no answer.
  [[nodiscard]] std::optional<Duration> retry_after() const { return retry_after_; }
  /// The next publication or gap; nullopt when `timeout` passed; an error when the session has ended.
  Result<std::optional<Received>, Error> receive(Duration timeout);

  /// The newest position seen in each topic that subscribe() named, to be given to the client that takes over after a
  /// lost connection. Not of those that only match a pattern, which cannot be recovered.
  [[nodiscard]] const std::map<std::string, Position>& positions() const { return positions_; }
  /// What matched a pattern meanwhile cannot be recovered: subscribe() reports a gap of unknown size for each pattern.
  void resume_from(std::map<std::string, Position> positions) {
    positions_ = std::move(positions);
    resumed_ = true;
  }

  /// Closing handshake.
  void close() { session_.close(); }

 private:
  explicit HubClient(BlockingClient session);

  /// Sends a request, and waits for its answer as wait_for_answer() does.
  Result<codec::JsonValue, Error> ask(std::string_view type, std::string_view payload, std::string_view answer_type,
                                      Duration timeout);
  /// The next message, parsed into the parser; nullopt when the time is over.
  Result<std::optional<codec::JsonValue>, Error> next(Duration timeout);
  /// Turns until the answer to the last request has come; what else comes is kept for receive().
  Result<codec::JsonValue, Error> wait_for_answer(std::string_view type, Duration timeout);
  void keep(const codec::JsonValue& message);
  void note_position(const std::string& topic, Position position);
  void note_recovery(const codec::JsonValue& recovery);
  void note_patterns(const std::vector<std::string>& topics);
  [[nodiscard]] std::string subscription_payload(const std::vector<std::string>& topics) const;

  BlockingClient session_;
  std::unique_ptr<codec::JsonParser> parser_;
  std::string text_;  // of the message in the parser
  std::uint64_t requests_ = 0;
  std::optional<Duration> retry_after_;
  std::deque<Received> received_;
  std::set<std::string> named_;                // in subscribe()
  std::map<std::string, Position> positions_;  // of these
  bool resumed_ = false;
};

}  // namespace plait::client
