#include "broker/memory.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "core/bounded.hpp"

namespace plait::broker {

MemoryBroker::MemoryBroker(const MemoryBrokerOptions& options, core::Executor& executor, BrokerListener& listener,
                           RandomEpoch random_epoch)
    : options_(options), executor_(executor), listener_(listener), random_epoch_(std::move(random_epoch)) {}

void MemoryBroker::publish(std::string_view name, Bytes payload, const PublishOptions& options, PublishDone done) {
  if (payload.size() > options_.history_bytes_max) return done(err(BrokerError::payload_too_large));
  const Topics::iterator place = touch(name);
  Topic& topic = *place;
  if (topic.position.offset++ == 0) published_.splice(published_.end(), unpublished_, place);
  const Publication publication{topic.name,       topic.position, std::move(payload),
                                options.priority, options.id,     options.time};
  keep(topic, publication);
  enforce_totals(topic);
  listener_.on_publication(publication);
  done(publication.position);
}

void MemoryBroker::history(std::string_view name, std::optional<Position> since, HistoryDone done) {
  Topic& topic = *touch(name);
  enforce_totals(topic);
  expire(topic);
  History history{topic.position, false, {}};
  const std::uint64_t first_kept = topic.position.offset + 1 - topic.kept.size();
  if (since && since->epoch == topic.position.epoch && since->offset <= topic.position.offset &&
      since->offset + 1 >= first_kept) {
    history.recovered = true;
    for (std::size_t i = since->offset + 1 - first_kept; i < topic.kept.size(); ++i) {
      history.publications.push_back(topic.kept[i].publication);
    }
  }
  done(std::move(history));
}

// The topic, made if it is new, moved to the end of its list.
MemoryBroker::Topics::iterator MemoryBroker::touch(std::string_view name) {
  if (const auto found = by_name_.find(name); found != by_name_.end()) {
    Topics& topics = found->second->position.offset > 0 ? published_ : unpublished_;
    topics.splice(topics.end(), topics, found->second);
    return found->second;
  }
  Topic topic{Bytes::copy_of(name), {random_epoch_(), 0}, {}, 0, {}};
  topic.name.share_between_threads();
  const auto made = unpublished_.insert(unpublished_.end(), std::move(topic));
  made->in_sweep = sweep_.insert(sweep_.end(), &*made);
  by_name_.emplace(made->name.text(), made);
  return made;
}

void MemoryBroker::keep(Topic& topic, const Publication& publication) {
  if (options_.history_count_max == 0) return;
  expire(topic);
  while (topic.kept.size() >= options_.history_count_max ||
         publication.payload.size() > options_.history_bytes_max - topic.kept_bytes) {
    drop_oldest(topic);
  }
  topic.kept.push_back({publication, executor_.now() + core::bounded(options_.history_ttl)});
  topic.kept_bytes += publication.payload.size();
  kept_bytes_ += publication.payload.size();
  ++kept_count_;
  if (!sweep_timer_.armed()) schedule_sweep();
}

void MemoryBroker::expire(Topic& topic) {
  while (!topic.kept.empty() && topic.kept.front().expires <= executor_.now()) drop_oldest(topic);
}

void MemoryBroker::drop_oldest(Topic& topic) {
  const std::size_t bytes = topic.kept.front().publication.payload.size();
  topic.kept_bytes -= bytes;
  kept_bytes_ -= bytes;
  --kept_count_;
  topic.kept.pop_front();
}

// Each topic is looked at about eight times per history_ttl, as far as kSweepMax allows.
void MemoryBroker::sweep() {
  std::size_t work = 0;
  for (std::size_t left = sweep_.size() / 8 + 1; left > 0 && work < kSweepMax; --left) {
    Topic& topic = *sweep_.front();
    while (!topic.kept.empty() && topic.kept.front().expires <= executor_.now() && work < kSweepMax) {
      drop_oldest(topic);
      ++work;
    }
    if (work++ < kSweepMax) sweep_.splice(sweep_.end(), sweep_, sweep_.begin());  // else it goes on with this one
  }
  if (kept_count_ > 0) schedule_sweep();
}

void MemoryBroker::schedule_sweep() {
  using std::chrono::milliseconds;
  const auto interval =
      std::clamp<std::chrono::nanoseconds>(options_.history_ttl / 64, milliseconds{10}, milliseconds{10'000});
  executor_.schedule(sweep_timer_, executor_.now() + interval);
}

// False: there is none but the one in use.
bool MemoryBroker::forget_oldest(Topics& topics, const Topic& used) {
  if (topics.empty() || &topics.front() == &used) return false;
  const Topic& oldest = topics.front();
  kept_bytes_ -= oldest.kept_bytes;
  kept_count_ -= oldest.kept.size();
  sweep_.erase(oldest.in_sweep);
  by_name_.erase(oldest.name.text());
  topics.pop_front();
  return true;
}

// Forgets whole topics, so that the work is O(1) per topic ever made.
void MemoryBroker::enforce_totals(const Topic& used) {
  const auto too_many = [this] { return topic_count() > options_.topics_max; };
  const auto too_much = [this] { return kept_bytes_ + kept_count_ * kOverheadBytes > options_.total_bytes_max; };
  while (too_many() && (forget_oldest(unpublished_, used) || forget_oldest(published_, used))) {
  }
  while (too_much() && forget_oldest(published_, used)) {
  }
}

}  // namespace plait::broker

namespace plait {

BrokerFactory memory_broker(const MemoryBrokerOptions& options) {
  return [options](BrokerContext context) -> std::unique_ptr<Broker> {
    return std::make_unique<broker::MemoryBroker>(options, context.executor, context.listener,
                                                  std::move(context.random));
  };
}

}  // namespace plait
