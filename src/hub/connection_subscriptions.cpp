// Connection: subscribing and unsubscribing.
//
// A request may name many topics with different homes. Each home's answer makes its subscription `held`: publications
// are kept back until the last topic of the request is answered, so that the client reads first what became of its
// request, then what it had missed, then what is new.
//
// Other subscriptions of the session may match the same topic, and be answered earlier or later. So what is kept back
// stands in one list, in the order in which it came, and what becomes of a topic in it is decided for all of the topic
// at once, by its hearer(): the topic's own subscription, else a pattern's that is live, else one that is held. A
// publication is in the list only while its hearer is held, so none that comes later can overtake it.
//
// A replay is encoded as the session takes it, no further than its high-water mark: with all of it, every client that
// asks and does not read would cost a history's memory. Its subscription goes on holding back meanwhile.
#include <algorithm>

#include "core/assert.hpp"
#include "core/release_memory.hpp"
#include "hub/connection.hpp"
#include "hub/shard.hpp"
#include "hub/topic_name.hpp"

namespace plait::hub {
namespace {

/// Publications and their bytes kept back per session; beyond, the client gets a gap notice.
constexpr std::size_t kHeldMax = 4096;
constexpr std::size_t kHeldBytesMax = std::size_t{16} << 20;
/// Bytes of a session's replays. The broker may have forgotten what waits to be replayed, and then counts it no more.
constexpr std::size_t kReplayBytesMax = std::size_t{64} << 20;
/// Topics of requests that wait for answers, beside HubOptions::subscriptions_max: above Shard::kAnswersHigh, at which
/// a home that is slow pauses the session.
constexpr std::size_t kPendingTopicsMax = Shard::kAnswersMax;

// What an answer repeats of a name that is too long.
std::string_view echoed(std::string_view name) { return name.size() <= kTopicBytesMax ? name : std::string_view{}; }

std::size_t bytes_of(const std::vector<Publication>& publications) {
  std::size_t bytes = publications.size() * sizeof(Publication);
  for (const Publication& publication : publications) bytes += publication.payload.size();
  return bytes;
}

}  // namespace

void Connection::handle_subscription(const wire::Envelope& envelope) {
  const auto request = wire::decode_subscription(envelope.payload);
  if (!request) {
    shard_.counters().messages_invalid.add();
    return send_error({wire::code_of(request.error()), wire::name_of(request.error()), true, {}}, envelope.cid);
  }
  if (request->action == wire::SubscriptionRequest::Action::subscribe) {
    subscribe(*request, envelope.cid);
  } else {
    unsubscribe(*request, envelope.cid);
  }
}

// --- Subscribe ------------------------------------------------------------------------------------------------------

void Connection::subscribe(const wire::SubscriptionRequest& request, std::string_view cid) {
  // Known before anything is asked, and left by itself: no answer finishes it before all topics are asked for.
  PendingSubscribe& pending = pending_subscribes_[++last_request_];
  pending.request = last_request_;
  pending.cid = cid;
  pending.left = 1;
  for (const auto& topic : request.topics) subscribe_to(topic, pending);
  finish_one(pending);
}

void Connection::subscribe_to(const wire::SubscriptionRequest::Topic& topic, PendingSubscribe& pending) {
  ++pending_topics_;
  pending.names.push_back(Bytes::copy_of(echoed(topic.name)));
  wire::TopicResult& result = pending.results.emplace_back();
  result.topic = pending.names.back().text();
  const auto since = is_pattern(topic.name) ? std::nullopt : topic.since;
  result.recover = since.has_value();

  Subscription* subscription = find_subscription(shard_.audience().find(topic.name));
  if (const std::string_view why = refusal(topic.name, subscription != nullptr); !why.empty()) {
    result.error =
        is_subscribable(topic.name) ? wire::ErrorCode::subscription_failed : wire::ErrorCode::invalid_subscription;
    result.reason = why;
    return;
  }
  result.already_subscribed = subscription != nullptr;
  const bool named_twice = subscription != nullptr && subscription->request == pending.request;
  if (subscription != nullptr && (!since || named_twice)) return;
  if (subscription == nullptr && is_pattern(topic.name)) {
    subscription = &add_subscription(shard_.audience().pattern(topic.name));
  } else if (subscription == nullptr) {
    subscription = &add_subscription(shard_.audience().topic(topic.name));
  }
  if (since) begin_recovery(*subscription);
  subscription->request = pending.request;
  if (request_subject(*subscription->subject, since, pending)) return;
  end_subscription(*subscription);
  result.error = wire::ErrorCode::overloaded;
  result.reason = "try again later";
}

// Empty: it may be subscribed to.
std::string_view Connection::refusal(std::string_view name, bool subscribed) const {
  if (!is_subscribable(name)) return kPatternRule;
  const HubOptions& options = shard_.options();
  if (options.authorize && !options.authorize(user_, name, TopicAction::subscribe)) return "not allowed";
  if (!subscribed && subscriptions_.size() >= options.subscriptions_max) return "too many subscriptions";
  if (!subscribed && is_pattern(name) && pattern_count() >= options.patterns_max) return "too many patterns";
  if (is_pattern(name) && shard_.audience().pattern_count() >= options.patterns_total_max &&
      shard_.audience().find(name) == nullptr) {
    return "too many patterns of all sessions";
  }
  return {};
}

std::size_t Connection::pattern_count() const {
  return static_cast<std::size_t>(std::count_if(subscriptions_.begin(), subscriptions_.end(),
                                                [](const Subscription& s) { return s.subject->is_pattern; }));
}

// Unsubscribing does not take back a request: who does both again and again would have ever more on their way. Topics
// bring their home to pause the session; a pattern that is not watched yet asks nobody a second time.
bool Connection::too_many_pending() const {
  return pending_topics_ > kPendingTopicsMax + shard_.options().subscriptions_max;
}

// False: a ring is full, or too many answers are waited for.
bool Connection::request_subject(Subject& subject, std::optional<Position> since, PendingSubscribe& pending) {
  const Ticket ticket{self_, pending.request};
  if (!subject.is_pattern) {
    if (too_many_pending() || !shard_.try_subscribe(static_cast<Topic&>(subject), ticket, since)) return false;
  } else if (auto& pattern = static_cast<Pattern&>(subject); pattern.active()) {
    attach(*find_subscription(&subject));
    return true;
  } else if (too_many_pending() || !shard_.try_watch(pattern, ticket)) {
    return false;
  }
  ++pending.left;
  return true;
}

void Connection::on_subscribed(Subject& subject, std::uint32_t request, std::unique_ptr<History> history) {
  Subscription* subscription = find_subscription(&subject);
  const bool wanted = subscription != nullptr && subscription->request == request;  // not unsubscribed meanwhile
  if (wanted && subscription->state == State::requested) attach(*subscription);
  PendingSubscribe& pending = pending_subscribe(request);
  if (history != nullptr) {
    wire::TopicResult& result = result_of(pending, subject);
    result.position = history->position;
    if (wanted) {
      result.recovered = history->recovered && has_room_to_replay(*history);
      subscription->state = State::held;
      subscription->missed = 0;
      if (result.recovered) begin_replay(*subscription, std::move(history->publications));
      result.replayed = subscription->replay.size();
    }
  }
  finish_one(pending);
}

/// A history alone is bounded by the broker. What another replay has sent of its bytes counts until its end.
bool Connection::has_room_to_replay(const History& history) const {
  std::size_t waiting = 0;
  for (const Subscription& subscription : subscriptions_) waiting += subscription.replay_bytes;
  return waiting == 0 || bytes_of(history.publications) <= kReplayBytesMax - std::min(waiting, kReplayBytesMax);
}

void Connection::begin_replay(Subscription& subscription, std::vector<Publication> publications) {
  subscription.replay_bytes = bytes_of(publications);
  subscription.replay = std::move(publications);
  subscription.replayed = 0;
}

void Connection::end_replay(Subscription& subscription) {
  core::release_memory(subscription.replay);
  subscription.replay_bytes = 0;
  subscription.replayed = 0;
}

void Connection::on_subscribe_failed(Subject& subject, std::uint32_t request) {
  PendingSubscribe& pending = pending_subscribe(request);
  wire::TopicResult& result = result_of(pending, subject);
  result.error = wire::ErrorCode::subscription_failed;
  result.reason = "broker unavailable";
  Subscription* subscription = find_subscription(&subject);
  if (subscription != nullptr && subscription->request == request) end_subscription(*subscription);
  finish_one(pending);
}

void Connection::finish_one(PendingSubscribe& pending) {
  if (--pending.left > 0) return;
  const auto finished = pending_subscribes_.extract(pending.request);
  pending_topics_ -= pending.results.size();
  finish(finished.mapped());
}

void Connection::finish(const PendingSubscribe& pending) {
  send_control(
      wire::SubscriptionUpdate{true, pending.results, shard_.options().subscriptions_max, subscriptions_.size()},
      pending.cid);
  for (Subscription& subscription : subscriptions_) {
    if (subscription.request == pending.request && subscription.state == State::held) {
      subscription.state = State::replaying;
    }
  }
  send_replays();
}

// Goes on until the session has no room. What is heard by then follows, and the gap of what was too much to hold.
void Connection::send_replays() {
  bool ended = false;
  for (Subscription& subscription : subscriptions_) {
    if (subscription.state != State::replaying) continue;
    if (!send_replay(subscription)) continue;
    subscription.state = State::live;
    ended = true;
  }
  if (!ended) return;
  release_held();
  for (Subscription& subscription : subscriptions_) {
    if (lagging_) return;
    if (subscription.state == State::live && subscription.missed > 0) send_gap(subscription);
  }
}

// False: the session has no room, and handle_writable() goes on.
bool Connection::send_replay(Subscription& subscription) {
  while (subscription.replay_left() > 0) {
    if (replay_waits_) return false;
    Publication& publication = subscription.replay[subscription.replayed];
    const SendStatus status = send_publication(subscription, publication, subscription.replay_left());
    if (status == SendStatus::dropped || status == SendStatus::closed) break;
    publication = {};
    ++subscription.replayed;
    replay_waits_ = status == SendStatus::queued;
  }
  end_replay(subscription);
  return true;
}

// --- Held publications ----------------------------------------------------------------------------------------------

// Whose state decides what becomes of the topic's publications. Null: nobody here hears them.
Connection::Subscription* Connection::hearer(std::string_view topic) {
  Subscription* heard = find_subscription(shard_.audience().find(topic));
  if (heard != nullptr && heard->state != State::requested) return heard;
  heard = nullptr;
  for (const Pattern* pattern : shard_.audience().patterns_of(topic)) {
    Subscription* subscription = find_subscription(pattern);
    if (subscription == nullptr || subscription->state == State::requested) continue;
    if (subscription->state == State::live) return subscription;
    if (heard == nullptr) heard = subscription;
  }
  return heard;
}

void Connection::hold(Subscription& subscription, const Burst& burst) {
  if (subscription.state == State::recovering) {
    subscription.missed += burst.size();
    return;
  }
  for (const Publication& publication : burst.publications()) {
    if (subscription.missed > 0 || held_.size() >= kHeldMax ||
        (!held_.empty() && publication.payload.size() > kHeldBytesMax - std::min(held_bytes_, kHeldBytesMax))) {
      miss(subscription, 1);
    } else {
      held_bytes_ += publication.payload.size();
      held_.push_back(publication);
    }
  }
}

std::size_t Connection::forget_held(std::string_view topic) {
  return std::erase_if(held_, [&](const Publication& publication) {
    if (publication.topic.text() != topic) return false;
    held_bytes_ -= publication.payload.size();
    return true;
  });
}

// Sends what is heard by now. What nobody hears any more goes with its subscription.
void Connection::release_held() {
  held_bytes_ = 0;
  for (Publication& publication : std::exchange(held_, {})) {
    Subscription* subscription = hearer(publication.topic.text());
    if (subscription == nullptr) continue;
    if (subscription->state != State::live) {
      held_bytes_ += publication.payload.size();
      held_.push_back(std::move(publication));
      continue;
    }
    send_publication(*subscription, publication, 1);
  }
}

// --- Unsubscribe ----------------------------------------------------------------------------------------------------

void Connection::unsubscribe(const wire::SubscriptionRequest& request, std::string_view cid) {
  std::vector<wire::TopicResult> results;
  for (const auto& topic : request.topics) {
    wire::TopicResult& result = results.emplace_back();
    result.topic = echoed(topic.name);
    if (Subscription* subscription = find_subscription(shard_.audience().find(topic.name))) {
      end_subscription(*subscription);
    } else {
      result.error = wire::ErrorCode::invalid_subscription;
      result.reason = "not subscribed";
    }
  }
  release_held();  // by a pattern that is left, now that the topic's own subscription does not wait any more
  send_control(wire::SubscriptionUpdate{false, results, shard_.options().subscriptions_max, subscriptions_.size()},
               cid);
}

// --- The list -------------------------------------------------------------------------------------------------------

Connection::Subscription* Connection::find_subscription(const Subject* subject) {
  const auto found = std::find_if(subscriptions_.begin(), subscriptions_.end(),
                                  [&](const Subscription& s) { return s.subject == subject; });
  return found == subscriptions_.end() ? nullptr : &*found;
}

Connection::Subscription& Connection::add_subscription(Subject& subject) {
  shard_.counters().subscriptions_open.add();
  Subscription& subscription = subscriptions_.emplace_back();
  subscription.subject = &subject;
  return subscription;
}

void Connection::attach(Subscription& subscription) {
  const auto slot = static_cast<std::uint32_t>(&subscription - subscriptions_.data());
  subscription.index = shard_.audience().add(*subscription.subject, {this, slot});
  subscription.state = State::held;
  // What a pattern that is not answered yet has kept of the topic comes before the position that the answer names.
  if (!subscription.subject->is_pattern) forget_held(subscription.subject->name.text());
}

// What comes before the answer is part of its history.
void Connection::begin_recovery(Subscription& subscription) {
  if (subscription.state == State::requested) attach(subscription);
  subscription.state = State::recovering;
  subscription.missed += forget_held(subscription.subject->name.text()) + subscription.replay_left();
  end_replay(subscription);
}

bool Connection::heard_the_same(const Subscription& ended, const Subscription& other) const {
  if (&ended == &other || !other.subject->is_pattern || other.state == State::requested) return false;
  if (ended.subject->is_pattern) return may_overlap(ended.subject->name.text(), other.subject->name.text());
  const auto& patterns = shard_.audience().patterns_of(static_cast<Topic&>(*ended.subject));
  return std::find(patterns.begin(), patterns.end(), other.subject) != patterns.end();
}

// A publication that a topic and a pattern match is counted by one of their subscriptions. When that one ends, the
// others have to tell what it has not: they did not count it. (A topic hears before any pattern: of what a pattern has
// missed, none is a topic's.) What is held is still to come to them.
void Connection::end_subscription(Subscription& subscription) {
  const std::uint64_t missed = subscription.missed + subscription.replay_left();
  for (Subscription& other : subscriptions_) {
    if (missed == 0 || !heard_the_same(subscription, other)) continue;
    other.missed += missed;
    if (other.state == State::live && !lagging_) send_gap(other);
  }
  remove_subscription(subscription);
}

void Connection::remove_subscription(Subscription& subscription) {
  shard_.counters().subscriptions_open.subtract();
  Subject& subject = *subscription.subject;
  if (subscription.state != State::requested) shard_.audience().remove(subject, subscription.index);
  const auto slot = static_cast<std::uint32_t>(&subscription - subscriptions_.data());
  if (Subscription& last = subscriptions_.back(); &last != &subscription) {
    subscription = std::move(last);
    if (subscription.state != State::requested) subscription.subject->subscribers[subscription.index].slot = slot;
  }
  subscriptions_.pop_back();
  shard_.audience().check_unused(subject);
  shard_.schedule_turn();  // which forgets the subject
}

Connection::PendingSubscribe& Connection::pending_subscribe(std::uint32_t request) {
  const auto found = pending_subscribes_.find(request);
  PLAIT_ASSERT(found != pending_subscribes_.end(), "a request is answered while it waits");
  return found->second;
}

wire::TopicResult& Connection::result_of(PendingSubscribe& pending, const Subject& subject) {
  return *std::find_if(pending.results.begin(), pending.results.end(),
                       [&](const wire::TopicResult& result) { return result.topic == subject.name.text(); });
}

}  // namespace plait::hub
