// Connection: one session that speaks the messaging protocol (spec/protocol.md), on its loop.
#pragma once

#include <plait/broker.hpp>
#include <plait/session.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/token_bucket.hpp"
#include "hub/audience.hpp"
#include "hub/burst.hpp"
#include "hub/loop_message.hpp"
#include "hub/shard.hpp"
#include "wire/encode.hpp"
#include "wire/envelope.hpp"
#include "wire/requests.hpp"

namespace plait::hub {

/// Close code for a session whose user is not authenticated, or no longer.
inline constexpr std::uint16_t kCloseUnauthenticated = 4401;
/// Close code for a session that takes too slowly even what the server must tell it.
inline constexpr std::uint16_t kCloseOverloaded = 4503;

class Connection {
 public:
  /// Sends server_ready. `shard` and `session` outlive the connection; `user` is whom the session was authenticated as.
  Connection(Shard& shard, Session& session, std::string user);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  /// Ends all subscriptions.
  ~Connection();

  // From the session's handler:
  void handle_message(const Message& message);
  void handle_writable();
  /// The session is gone: it is not touched any more. Fan-out may be running, so the shard destroys this later.
  void handle_close() { closed_ = true; }

  /// The user is authenticated no longer: says so, closes the session, and hears nothing of it any more.
  void expire();

  // From the audience, during fan-out and when its arrays change:
  void deliver(std::uint32_t slot, Burst& burst);
  void deliver_gap(std::uint32_t slot, const Gap& gap);
  void on_index_changed(std::uint32_t slot, std::uint32_t index) { subscriptions_[slot].index = index; }
  /// True the first time it is called with this number: a connection that hears of a topic twice gets it once.
  bool begin_visit(std::uint64_t visit) { return std::exchange(visit_, visit) != visit; }

  // From the shard, when a home has answered:
  /// `history` is null for patterns. Everything that comes later is for this subscription.
  void on_subscribed(Subject& subject, std::uint32_t request, std::unique_ptr<History> history);
  void on_subscribe_failed(Subject& subject, std::uint32_t request);
  void on_published(std::uint32_t request, const Published& published);
  /// The home that it was paused for can be asked again.
  void on_room();

 private:
  enum class State : std::uint8_t {
    requested,   ///< the home has not answered; hears nothing yet
    recovering,  ///< nor has it here; what comes is left to the replay, lest a pattern's subscription brings it, too
    held,        ///< answered; publications wait for the other topics of the same request
    replaying,   ///< all are answered; publications wait until the session has taken what it had missed
    live,
  };
  struct Subscription {
    Subject* subject = nullptr;
    std::uint32_t index = 0;    // in subject->subscribers, unless requested
    std::uint32_t request = 0;  // that asked for it
    State state = State::requested;
    std::uint64_t missed = 0;         // publications that the session did not take, or that are left to the replay
    std::vector<Publication> replay;  // what goes out behind the answer, before anything that is held
    std::size_t replay_bytes = 0;     // of the whole list
    std::size_t replayed = 0;         // of its publications
    [[nodiscard]] std::size_t replay_left() const { return replay.size() - replayed; }
  };
  /// A subscription request on its way: answered when the last of its topics is.
  struct PendingSubscribe {
    std::uint32_t request = 0;
    std::string cid;
    std::vector<Bytes> names;  // what the results' views point into
    std::vector<wire::TopicResult> results;
    std::size_t left = 0;  // answers, and the request itself while its topics are asked for
  };
  struct PendingPublish {
    std::string cid;
    std::string topic;
  };

  void handle_text(std::string_view text);
  bool accept_rate();
  std::uint32_t remember(PendingPublish publish);
  void handle_envelope(const wire::Envelope& envelope);
  void handle_client_hello(const wire::Envelope& envelope);
  void handle_ping(const wire::Envelope& envelope);
  void handle_pong(const wire::Envelope& envelope);
  void handle_subscription(const wire::Envelope& envelope);
  void handle_publish(const wire::Envelope& envelope);

  void subscribe(const wire::SubscriptionRequest& request, std::string_view cid);
  void unsubscribe(const wire::SubscriptionRequest& request, std::string_view cid);
  void subscribe_to(const wire::SubscriptionRequest::Topic& topic, PendingSubscribe& pending);
  [[nodiscard]] std::string_view refusal(std::string_view name, bool subscribed) const;
  [[nodiscard]] std::size_t pattern_count() const;
  [[nodiscard]] bool too_many_pending() const;
  bool request_subject(Subject& subject, std::optional<Position> since, PendingSubscribe& pending);
  void finish_one(PendingSubscribe& pending);
  void finish(const PendingSubscribe& pending);
  [[nodiscard]] bool has_room_to_replay(const History& history) const;
  static void begin_replay(Subscription& subscription, std::vector<Publication> publications);
  static void end_replay(Subscription& subscription);
  void send_replays();
  [[nodiscard]] bool send_replay(Subscription& subscription);
  [[nodiscard]] Subscription* hearer(std::string_view topic);
  void hold(Subscription& subscription, const Burst& burst);
  std::size_t forget_held(std::string_view topic);
  void release_held();

  Subscription* find_subscription(const Subject* subject);
  Subscription& add_subscription(Subject& subject);
  void attach(Subscription& subscription);
  void begin_recovery(Subscription& subscription);
  [[nodiscard]] bool heard_the_same(const Subscription& ended, const Subscription& other) const;
  void end_subscription(Subscription& subscription);
  void remove_subscription(Subscription& subscription);
  PendingSubscribe& pending_subscribe(std::uint32_t request);
  static wire::TopicResult& result_of(PendingSubscribe& pending, const Subject& subject);

  SendStatus send(const Message& message);
  /// When the session does not take it, `count` publications are missing from here.
  SendStatus send_publication(Subscription& subscription, const Publication& publication, std::uint64_t count);
  void miss(Subscription& subscription, std::uint64_t count);
  void send_gap(Subscription& subscription);
  /// One message that the client waits for, or must know of: a session that does not take it is closed.
  template <class Control>
  void send_control(const Control& control, std::string_view cid = {}) {
    std::string& text = shard_.scratch();
    wire::encode(text, shard_.head(form_, cid), control);
    send_required(text);
  }
  void send_required(std::string_view text);
  void send_error(const wire::ErrorMessage& error, std::string_view cid);

  Shard& shard_;
  Session& session_;
  ConnectionRef self_;
  const std::string user_;
  const MessageId id_;
  core::TokenBucket bucket_;
  wire::Form form_ = wire::Form::member;
  bool form_known_ = false;
  bool closed_ = false;
  bool paused_ = false;        // its input; on_room() ends that
  bool refusing_ = false;      // told RATE_LIMITED, and nothing has passed since
  bool lagging_ = false;       // a publication was dropped: nothing is delivered until the session is writable again
  bool replay_waits_ = false;  // for the session to be writable again
  std::uint64_t visit_ = 0;
  std::uint32_t last_request_ = 0;
  std::vector<Subscription> subscriptions_;
  std::vector<Publication> held_;                                 // of all subscriptions, as they came
  std::size_t held_bytes_ = 0;                                    // of payload in them
  std::map<std::uint32_t, PendingSubscribe> pending_subscribes_;  // by request
  std::size_t pending_topics_ = 0;                                // of all of them
  std::vector<PendingPublish> pending_publishes_;  // request n stands at n - 1; request 0 wants no answer
  std::vector<std::uint32_t> free_publishes_;
};

}  // namespace plait::hub
