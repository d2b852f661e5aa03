#include "hub/connection.hpp"

#include <plait/config.hpp>

#include <algorithm>
#include <array>

#include "hub/shard.hpp"
#include "hub/topic_name.hpp"
#include "wire/stamp.hpp"

namespace plait::hub {
namespace {

std::string text_of(const MessageId& id) {
  std::string text;
  wire::append_id(text, id);
  return text;
}

}  // namespace

Connection::Connection(Shard& shard, Session& session, std::string user)
    : shard_(shard),
      session_(session),
      self_(shard.add(*this)),
      user_(std::move(user)),
      id_(shard.next_id()),
      bucket_(shard.options().rate_limit_capacity, shard.options().rate_limit_refill, shard.now()) {
  send_control(wire::ServerReady{kVersion, text_of(id_), user_, {shard_.options().recovery}});
}

Connection::~Connection() {
  while (!subscriptions_.empty()) remove_subscription(subscriptions_.back());
  shard_.remove(self_);
}

// --- Messages in ----------------------------------------------------------------------------------------------------

void Connection::expire() {
  constexpr std::string_view kReason = "the authentication has expired";
  send_error({wire::ErrorCode::auth_failed, kReason, false, {}}, {});
  session_.close(kCloseUnauthenticated, kReason);
  closed_ = true;
}

// A client that asks faster than a home answers is read no faster: the backpressure reaches it through its transport.
void Connection::handle_message(const Message& message) {
  if (closed_) return;
  {
    const Shard::Serving serving{shard_};
    handle_text(message.text());
    shard_.decoder().shrink();
  }
  if (!paused_ && shard_.must_wait(self_) && !closed_) {
    paused_ = true;
    session_.pause();
  }
}

void Connection::on_room() {
  if (std::exchange(paused_, false) && !closed_) session_.resume();
}

void Connection::handle_text(std::string_view text) {
  shard_.counters().messages_received.add();
  if (!accept_rate()) return;
  const auto envelope = shard_.decoder().decode(text);
  if (!envelope) {
    shard_.counters().messages_invalid.add();
    return send_error({wire::code_of(envelope.error()), wire::name_of(envelope.error()), true, {}},
                      shard_.decoder().cid());
  }
  if (!form_known_) {
    form_ = envelope->form;
    form_known_ = true;
  }
  handle_envelope(*envelope);
}

// One error per run of refused messages: an answer to each would be a load of its own.
bool Connection::accept_rate() {
  if (bucket_.try_take(shard_.now())) {
    refusing_ = false;
    return true;
  }
  shard_.counters().messages_rate_limited.add();
  if (!std::exchange(refusing_, true)) {
    send_error({wire::ErrorCode::rate_limited, "too many messages", true, bucket_.retry_after()}, {});
  }
  return false;
}

void Connection::handle_envelope(const wire::Envelope& envelope) {
  struct Handler {
    std::string_view type;
    void (Connection::*handle)(const wire::Envelope&);
  };
  static constexpr std::array<Handler, 7> kHandlers{{{"publish", &Connection::handle_publish},
                                                     {"ping", &Connection::handle_ping},
                                                     {"subscription_update", &Connection::handle_subscription},
                                                     {"subscription", &Connection::handle_subscription},
                                                     {"client_hello", &Connection::handle_client_hello},
                                                     {"PONG", &Connection::handle_pong},
                                                     {"pong", &Connection::handle_pong}}};
  for (const Handler& handler : kHandlers) {
    if (envelope.type == handler.type) return (this->*handler.handle)(envelope);
  }
  shard_.counters().messages_ignored.add();
  if (!envelope.cid.empty()) {
    send_error({wire::ErrorCode::unknown_type, "nothing handles this type", true, {}}, envelope.cid);
  }
}

void Connection::handle_client_hello(const wire::Envelope& envelope) {
  const HubOptions& options = shard_.options();
  send_control(wire::ServerHello{kVersion,
                                 text_of(id_),
                                 {options.recovery},
                                 options.message_bytes_max,
                                 options.subscriptions_max,
                                 options.rate_limit_capacity,
                                 options.rate_limit_refill},
               envelope.cid);
}

void Connection::handle_ping(const wire::Envelope& envelope) {
  send_control(wire::decode_ping(envelope.payload), envelope.cid);
}

void Connection::handle_pong(const wire::Envelope&) {}

void Connection::handle_publish(const wire::Envelope& envelope) {
  const auto refuse = [&](wire::ErrorCode code, std::string_view message) {
    shard_.counters().publications_refused.add();
    send_error({code, message, true, {}}, envelope.cid);
  };
  const auto request = wire::decode_publish(envelope.payload);
  if (!request) {
    shard_.counters().messages_invalid.add();
    return refuse(wire::code_of(request.error()), wire::name_of(request.error()));
  }
  if (!is_topic(request->topic)) return refuse(wire::ErrorCode::publish_failed, kTopicRule);
  const Authorizer& authorize = shard_.options().authorize;
  if (authorize && !authorize(user_, request->topic, TopicAction::publish)) {
    return refuse(wire::ErrorCode::publish_denied, "not allowed");
  }
  const std::uint32_t number =
      envelope.cid.empty() ? 0 : remember({std::string{envelope.cid}, std::string{request->topic}});
  if (shard_.try_publish(request->topic, request->data, envelope.priority, {self_, number})) return;
  if (number != 0) free_publishes_.push_back(number);
  refuse(wire::ErrorCode::overloaded, "try again later");
}

std::uint32_t Connection::remember(PendingPublish publish) {
  if (free_publishes_.empty()) {
    pending_publishes_.emplace_back();
    free_publishes_.push_back(static_cast<std::uint32_t>(pending_publishes_.size()));
  }
  const std::uint32_t number = free_publishes_.back();
  free_publishes_.pop_back();
  pending_publishes_[number - 1] = std::move(publish);
  return number;
}

void Connection::on_published(std::uint32_t request, const Published& published) {
  PendingPublish publish;
  if (request != 0) {
    publish = std::move(pending_publishes_[request - 1]);
    free_publishes_.push_back(request);
  }
  if (published.error) {
    const bool too_large = published.error == BrokerError::payload_too_large;
    return send_error(
        {wire::ErrorCode::publish_failed, too_large ? "too large to keep" : "broker unavailable", true, {}},
        publish.cid);
  }
  if (!publish.cid.empty()) send_control(wire::Published{publish.topic, published.position}, publish.cid);
}

// --- Publications out -----------------------------------------------------------------------------------------------

void Connection::deliver(std::uint32_t slot, Burst& burst) {
  if (closed_) return;  // nobody is there to miss it
  Subscription* heard = &subscriptions_[slot];
  if (heard->state != State::live) heard = hearer(burst.publications().front().topic.text());
  Subscription& subscription = *heard;
  if (subscription.state != State::live) return hold(subscription, burst);
  const MessageBurst& messages = burst.messages(form_);
  if (lagging_) return miss(subscription, messages.size());
  const BurstStatus sent = session_.send_burst(messages);
  shard_.counters().deliveries.add(sent.accepted);
  if (sent.accepted == messages.size() || sent.status == SendStatus::closed) return;
  lagging_ = true;
  miss(subscription, messages.size() - sent.accepted);
}

SendStatus Connection::send(const Message& message) { return closed_ ? SendStatus::closed : session_.send(message); }

SendStatus Connection::send_publication(Subscription& subscription, const Publication& publication,
                                        std::uint64_t count) {
  if (closed_) return SendStatus::closed;
  if (lagging_) {  // before anything is made of it
    miss(subscription, count);
    return SendStatus::dropped;
  }
  const SendStatus status = send(Message::shared(MessageKind::text, shard_.frame_of(publication, form_)));
  if (status == SendStatus::sent || status == SendStatus::queued) {
    shard_.counters().deliveries.add();
  } else if (status == SendStatus::dropped) {
    lagging_ = true;
    miss(subscription, count);
  }
  return status;
}

void Connection::miss(Subscription& subscription, std::uint64_t count) {
  subscription.missed += count;
  shard_.counters().missed_by_sessions.add(count);
}

void Connection::deliver_gap(std::uint32_t slot, const Gap& gap) {
  Subscription* heard = &subscriptions_[slot];
  if (heard->state != State::live) heard = hearer(gap.topic.text());
  Subscription& subscription = *heard;
  subscription.missed += gap.missed;
  if (subscription.state == State::live && !lagging_) send_gap(subscription);
}

void Connection::send_gap(Subscription& subscription) {
  const Subject& subject = *subscription.subject;
  wire::GapNotice notice{subject.name.text(), {}, subscription.missed};
  if (!subject.is_pattern) notice.position = static_cast<const Topic&>(subject).newest;
  std::string& text = shard_.scratch();
  wire::encode(text, shard_.head(form_, {}), notice);
  if (send(Message::text(text)) == SendStatus::dropped) {
    lagging_ = true;  // told when there is room
  } else {
    subscription.missed = 0;
  }
}

void Connection::handle_writable() {
  replay_waits_ = false;
  if (std::exchange(lagging_, false)) {
    for (Subscription& subscription : subscriptions_) {
      if (subscription.missed > 0 && subscription.state == State::live) send_gap(subscription);
      if (lagging_) return;
    }
  }
  send_replays();
}

// --- Control messages out -------------------------------------------------------------------------------------------

// A client that is not told what it waits for would be wrong about its state: rather end the session.
void Connection::send_required(std::string_view text) {
  if (send(Message::text(text)) != SendStatus::dropped) return;
  session_.close(kCloseOverloaded, "overloaded");
  closed_ = true;
}

void Connection::send_error(const wire::ErrorMessage& error, std::string_view cid) { send_control(error, cid); }

}  // namespace plait::hub
