// What the server says (spec/protocol.md §3 and §4), as pure encoders: each appends one message to `out`.
#pragma once

#include <plait/broker.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wire/envelope.hpp"
#include "wire/error.hpp"

namespace plait::wire {

/// What every message carries around its payload.
struct Head {
  Form form = Form::member;
  MessageId id{};
  WallTime time{};
  std::string_view cid;  ///< of the message that this answers, or empty
};

/// What is really switched on.
struct Features {
  bool recovery = false;
};

struct ServerReady {
  std::string_view version;
  std::string_view connection_id;
  std::string_view user_id;
  Features features;
};

struct ServerHello {
  std::string_view version;
  std::string_view connection_id;
  Features features;
  std::size_t message_bytes_max = 0;
  std::size_t subscriptions_max = 0;
  double rate_limit_capacity = 0;  ///< messages; 0: no limit
  double rate_limit_refill = 0;    ///< per second
};

struct Pong {
  std::string_view client_timestamp;  ///< a number as the client wrote it, or empty
  std::optional<double> client_time;  ///< the same, milliseconds since 1970
};

struct ErrorMessage {
  ErrorCode code = ErrorCode::invalid_message;
  std::string_view message;
  bool recoverable = true;            ///< false: the session is about to be closed
  std::optional<double> retry_after;  ///< seconds
};

/// One topic's part in the answer to a subscription request.
struct TopicResult {
  std::string_view topic;
  std::optional<ErrorCode> error;
  std::string_view reason;  ///< with an error
  bool already_subscribed = false;
  std::optional<Position> position;  ///< subscribed to one topic rather than a pattern
  bool recover = false;              ///< recovery was asked for
  bool recovered = false;
  std::size_t replayed = 0;
};

struct SubscriptionUpdate {
  bool subscribe = true;
  const std::vector<TopicResult>& results;
  std::size_t subscriptions_max = 0;
  std::size_t subscription_count = 0;  ///< of this connection now
};

struct Published {
  std::string_view topic;
  Position position;
};

/// Publications of a subscription were not delivered.
struct GapNotice {
  std::string_view topic;            ///< as subscribed: a topic or a pattern
  std::optional<Position> position;  ///< the last that is missing; unknown for patterns
  std::uint64_t missed = 0;
};

void encode(std::string& out, const Head& head, const ServerReady& message);
void encode(std::string& out, const Head& head, const ServerHello& message);
void encode(std::string& out, const Head& head, const Pong& message);
void encode(std::string& out, const Head& head, const ErrorMessage& message);
void encode(std::string& out, const Head& head, const SubscriptionUpdate& message);
void encode(std::string& out, const Head& head, const Published& message);
void encode(std::string& out, const Head& head, const GapNotice& message);
/// The payload passes untouched.
void encode(std::string& out, Form form, const Publication& publication);

}  // namespace plait::wire
