#include "hub/home.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/guard.hpp"
#include "core/release_memory.hpp"

namespace plait::hub {

Home::Home(HomeOutlet& outlet, const std::function<std::unique_ptr<Broker>(BrokerListener&)>& make_broker)
    : outlet_(outlet), broker_(make_broker(*this)) {}

Home::~Home() = default;

// --- Requests -------------------------------------------------------------------------------------------------------
//
// The broker may be the embedder's. What it throws must reach neither the loop, which would end, nor the session that
// happened to ask; and every request has one answer, since a place for it is reserved in the ring.

void Home::handle(std::uint32_t loop, Subscribe&& request) {
  const Bytes topic = request.topic;
  const std::optional<Position> since = request.since;
  const auto waiting = std::make_shared<std::optional<Subscribe>>(std::move(request));
  const auto done = [this, loop, waiting](Result<History, BrokerError> result) {
    if (const auto asked = std::exchange(*waiting, std::nullopt)) on_history(loop, *asked, std::move(result));
  };
  const bool returned = core::guarded("Broker::history()", [&] { broker_->history(topic.text(), since, done); });
  if (!returned) done(err(BrokerError::unavailable));
}

void Home::on_history(std::uint32_t loop, const Subscribe& request, Result<History, BrokerError> result) {
  Subscribed answer{request.topic, request.ticket, nullptr, {}, 0};
  if (result) {
    Interest& interest = interest_of(route_of(request.topic), loop);
    interest.exact = true;
    answer.missed_until = interest.missed_until;
    answer.missed = std::exchange(interest.missed, 0);
    answer.history = std::make_unique<History>(std::move(*result));
  }
  outlet_.answer(loop, std::move(answer));
}

void Home::handle(std::uint32_t loop, Unsubscribe&& request) {
  const auto found = routes_.find(request.topic.text());
  if (found == routes_.end()) return;
  auto& interests = found->second->interests;
  std::erase_if(interests, [&](Interest& interest) {
    if (interest.loop != loop) return false;
    interest.exact = false;
    return !interest.by_pattern;
  });
  if (interests.empty()) routes_.erase(found);
}

void Home::handle(std::uint32_t loop, Watch&& request) {
  auto& pattern = patterns_[request.pattern.text()];
  if (pattern == nullptr) {
    pattern = std::make_unique<Pattern>(Pattern{request.pattern, {}});
    trie_.insert(pattern->name.text(), pattern.get());
  }
  pattern->loops.push_back(loop);
  ++patterns_version_;
  outlet_.answer(loop, Watching{std::move(request.pattern), take_gaps(loop)});
}

void Home::handle(std::uint32_t loop, Unwatch&& request) {
  const auto found = patterns_.find(request.pattern.text());
  if (found == patterns_.end()) return;
  std::erase(found->second->loops, loop);
  ++patterns_version_;
  if (!found->second->loops.empty()) return;
  trie_.erase(found->first);
  const auto pattern = std::move(found->second);  // owns the key
  patterns_.erase(found);
}

void Home::handle(std::uint32_t loop, Publish&& request) {
  publish(remember({.loop = loop, .ticket = request.ticket}), request.topic.text(), std::move(request.payload),
          request.options);
}

void Home::publish(std::string_view topic, Bytes payload, const PublishOptions& options, Broker::PublishDone done) {
  publish(remember({.done = std::move(done)}), topic, std::move(payload), options);
}

void Home::publish(PendingRef pending, std::string_view topic, Bytes payload, const PublishOptions& options) {
  if (would_list_too_many(topic)) return on_published(pending, err(BrokerError::unavailable));
  const bool returned = core::guarded("Broker::publish()", [&] {
    broker_->publish(topic, std::move(payload), options,
                     [this, pending](const auto& result) { on_published(pending, result); });
  });
  if (!returned) on_published(pending, err(BrokerError::unavailable));
}

Home::PendingRef Home::remember(PendingPublish publish) {
  if (free_pending_.empty()) {
    free_pending_.push_back(static_cast<std::uint32_t>(pending_.size()));
    pending_.emplace_back();
  }
  const std::uint32_t index = free_pending_.back();
  free_pending_.pop_back();
  publish.generation = pending_[index].generation;
  pending_[index] = std::move(publish);
  return {index, pending_[index].generation};
}

void Home::on_published(PendingRef pending, const Result<Position, BrokerError>& result) {
  if (pending_[pending.index].generation != pending.generation) return;
  ++pending_[pending.index].generation;
  const PendingPublish publish = std::move(pending_[pending.index]);
  free_pending_.push_back(pending.index);
  if (publish.done) return publish.done(result);
  Published answer{publish.ticket, {}, {}};
  if (result) {
    answer.position = *result;
  } else {
    answer.error = result.error();
  }
  outlet_.answer(publish.loop, answer);
}

// --- Publications ---------------------------------------------------------------------------------------------------

void Home::on_publication(const Publication& publication) {
  Route* route = find_route(publication.topic);
  if (route == nullptr) return;
  for (Interest& interest : route->interests) deliver(*route, interest, publication);
}

void Home::deliver(Route& route, Interest& interest, const Publication& publication) {
  const bool after_gap = interest.missed > 0 && !send_gap(route.topic, interest);
  if (!after_gap && outlet_.try_deliver(interest.loop, Publication{publication})) return;
  ++missed_count_;
  ++interest.missed;
  interest.missed_until = publication.position;
  if (!interest.listed) list_gap(route.topic, interest);
}

// --- Gaps -----------------------------------------------------------------------------------------------------------

bool Home::send_gap(const Bytes& topic, Interest& interest) {
  if (!outlet_.try_deliver(interest.loop, Gap{topic, interest.missed_until, interest.missed})) return false;
  interest.missed = 0;
  return true;
}

void Home::list_gap(const Bytes& topic, Interest& interest) {
  if (gapped_topics_.size() <= interest.loop) gapped_topics_.resize(interest.loop + 1);
  gapped_topics_[interest.loop].push_back(topic);
  interest.listed = true;
  outlet_.on_gap();
}

bool Home::retry_gaps() {
  bool none_left = true;
  for (std::uint32_t loop = 0; loop < gapped_topics_.size(); ++loop) none_left = retry_gaps_of(loop) && none_left;
  return none_left;
}

// The first that its ring has no room for is the last that is tried: who is far behind costs a turn no more than that.
bool Home::retry_gaps_of(std::uint32_t loop) {
  std::vector<Bytes>& topics = gapped_topics_[loop];
  std::size_t told = 0;
  for (; told < topics.size(); ++told) {
    Interest* interest = find_interest(topics[told], loop);
    if (interest == nullptr) continue;
    if (interest->missed > 0 && !send_gap(topics[told], *interest)) break;
    interest->listed = false;
  }
  topics.erase(topics.begin(), topics.begin() + static_cast<std::ptrdiff_t>(told));
  if (topics.empty()) core::release_memory(topics);
  return topics.empty();
}

std::vector<Gap> Home::take_gaps(std::uint32_t loop) {
  std::vector<Gap> gaps;
  if (loop >= gapped_topics_.size()) return gaps;
  for (const Bytes& topic : std::exchange(gapped_topics_[loop], {})) {
    Interest* interest = find_interest(topic, loop);
    if (interest == nullptr) continue;
    interest->listed = false;
    if (interest->missed > 0) gaps.push_back({topic, interest->missed_until, std::exchange(interest->missed, 0)});
  }
  return gaps;
}

// A topic that a loop has missed something of is remembered until the loop is told. While one does not turn, clients
// could name ever more of them.
bool Home::would_list_too_many(std::string_view topic) {
  const auto is_full = [](const std::vector<Bytes>& topics) { return topics.size() >= kGappedTopicsMax; };
  if (std::none_of(gapped_topics_.begin(), gapped_topics_.end(), is_full)) return false;
  Bytes name = Bytes::copy_of(topic);
  name.share_between_threads();
  const Route* route = find_route(name);
  if (route == nullptr) return false;
  return std::any_of(route->interests.begin(), route->interests.end(), [&](const Interest& interest) {
    return !interest.listed && interest.loop < gapped_topics_.size() && is_full(gapped_topics_[interest.loop]);
  });
}

std::size_t Home::gapped_count() const {
  std::size_t count = 0;
  for (const std::vector<Bytes>& topics : gapped_topics_) count += topics.size();
  return count;
}

// --- Routes ---------------------------------------------------------------------------------------------------------

// Who wants a publication; null: nobody can, and nothing need be remembered.
Home::Route* Home::find_route(const Bytes& topic) {
  const auto found = routes_.find(topic.text());
  if (found == routes_.end() && trie_.empty()) return nullptr;
  Route& route = found != routes_.end() ? *found->second : route_of(topic);
  if (route.patterns_version != patterns_version_) match_patterns(route);
  return &route;
}

Home::Route& Home::route_of(const Bytes& topic) {
  if (const auto found = routes_.find(topic.text()); found != routes_.end()) return *found->second;
  if (++idle_routes_ > kIdleRoutesMax) drop_idle_routes();
  auto route = std::make_unique<Route>(Route{topic, {}, 0});
  Route& made = *route;
  routes_.emplace(made.topic.text(), std::move(route));
  return made;
}

Home::Interest& Home::interest_of(Route& route, std::uint32_t loop) {
  for (Interest& interest : route.interests) {
    if (interest.loop == loop) return interest;
  }
  return route.interests.emplace_back(Interest{.loop = loop});
}

Home::Interest* Home::find_interest(const Bytes& topic, std::uint32_t loop) {
  const auto route = routes_.find(topic.text());
  if (route == routes_.end()) return nullptr;
  auto& interests = route->second->interests;
  const auto found =
      std::find_if(interests.begin(), interests.end(), [&](const Interest& i) { return i.loop == loop; });
  return found == interests.end() ? nullptr : &*found;
}

void Home::match_patterns(Route& route) {
  for (Interest& interest : route.interests) interest.by_pattern = false;
  trie_.match(route.topic.text(), [&](void* value) {
    for (const std::uint32_t loop : static_cast<Pattern*>(value)->loops) interest_of(route, loop).by_pattern = true;
  });
  std::erase_if(route.interests, [](const Interest& interest) { return !interest.exact && !interest.by_pattern; });
  route.patterns_version = patterns_version_;
}

void Home::drop_idle_routes() {
  std::erase_if(routes_, [](const auto& entry) {
    const auto& interests = entry.second->interests;
    return std::none_of(interests.begin(), interests.end(), [](const Interest& i) { return i.exact || i.listed; });
  });
  idle_routes_ = 0;
}

}  // namespace plait::hub
