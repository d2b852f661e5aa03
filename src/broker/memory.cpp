#include "broker/memory.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "core/bounded.hpp"

namespace plait::broker {

namespace {

// A payload is mostly a part of one block with its topic's name.
std::size_t held_bytes_of(const Publication& publication) {
  const Block* block = publication.payload.block();
  return MemoryBroker::kOverheadBytes + (block == nullptr ? 0 : block->capacity);
}

}  // namespace

MemoryBroker::MemoryBroker(const MemoryBrokerOptions& options, core::Executor& executor, BrokerListener& listener,
                           RandomEpoch random_epoch)
    : options_(options), executor_(executor), listener_(listener), random_epoch_(std::move(random_epoch)) {}

void MemoryBroker::publish(std::string_view name, Bytes payload, const PublishOptions& options, PublishDone done) {
  if (payload.size() > options_.history_bytes_max) return done(err(BrokerError::payload_too_large));
  const Topics::iterator place = touch(name);
  Topic& topic = *place;
  if (topic.position.offset++ == 0) {
    published_.splice(published_.end(), unpublished_, place);
    unpublished_bytes_ -= topic.total_bytes;
  }
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
  const std::uint64_t first_kept = topic.position.offset + 1 - topic.kept_count();
  if (since && since->epoch == topic.position.epoch && since->offset <= topic.position.offset &&
      since->offset + 1 >= first_kept) {
    history.recovered = true;
    for (std::size_t i = since->offset + 1 - first_kept; i < topic.kept_count(); ++i) {
      history.publications.push_back((*topic.kept)[i].publication);
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
  Topic topic{Bytes::copy_of(name), {random_epoch_(), 0}, nullptr, 0, 0, {}};
  topic.name.share_between_threads();
  const auto made = unpublished_.insert(unpublished_.end(), std::move(topic));
  made->in_sweep = sweep_.insert(sweep_.end(), &*made);
  by_name_.emplace(made->name.text(), made);
  grow(*made, kTopicOverheadBytes + name.size());
  unpublished_bytes_ += made->total_bytes;
  return made;
}

void MemoryBroker::keep(Topic& topic, const Publication& publication) {
  if (options_.history_count_max == 0) return;
  expire(topic);
  while (topic.kept_count() >= options_.history_count_max ||
         publication.payload.size() > options_.history_bytes_max - topic.kept_bytes) {
    drop_oldest(topic);
  }
  if (topic.kept == nullptr) {
    topic.kept = std::make_unique<std::deque<Kept>>();
    grow(topic, kKeptListBytes);
  }
  topic.kept->push_back({publication, executor_.now() + core::bounded(options_.history_ttl)});
  topic.kept_bytes += publication.payload.size();
  kept_bytes_ += publication.payload.size();
  grow(topic, held_bytes_of(publication));
  ++kept_count_;
  if (!sweep_timer_.armed()) schedule_sweep();
}

void MemoryBroker::expire(Topic& topic, std::size_t count_max) {
  if (topic.kept == nullptr) return;
  for (; count_max > 0 && !topic.kept->empty() && topic.kept->front().expires <= executor_.now(); --count_max) {
    drop_oldest(topic);
  }
  if (!topic.kept->empty()) return;
  topic.kept.reset();
  shrink(topic, kKeptListBytes);
}

void MemoryBroker::drop_oldest(Topic& topic) {
  const Publication& oldest = topic.kept->front().publication;
  topic.kept_bytes -= oldest.payload.size();
  kept_bytes_ -= oldest.payload.size();
  shrink(topic, held_bytes_of(oldest));
  --kept_count_;
  topic.kept->pop_front();
}

void MemoryBroker::grow(Topic& topic, std::size_t bytes) {
  topic.total_bytes += bytes;
  total_bytes_ += bytes;
}

void MemoryBroker::shrink(Topic& topic, std::size_t bytes) {
  topic.total_bytes -= bytes;
  total_bytes_ -= bytes;
}

// Each topic is looked at about eight times per history_ttl, as far as kSweepMax allows.
void MemoryBroker::sweep() {
  std::size_t work = 0;
  for (std::size_t left = sweep_.size() / 8 + 1; left > 0 && work < kSweepMax; --left) {
    Topic& topic = *sweep_.front();
    const std::size_t count = kept_count_;
    expire(topic, kSweepMax - work);
    work += count - kept_count_;
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
  total_bytes_ -= oldest.total_bytes;
  kept_count_ -= oldest.kept_count();
  if (&topics == &unpublished_) unpublished_bytes_ -= oldest.total_bytes;
  sweep_.erase(oldest.in_sweep);
  by_name_.erase(oldest.name.text());
  topics.pop_front();
  return true;
}

// Forgets whole topics, so that the work is O(1) per topic ever made. Those that nobody has published to go first where
// they are too many; where memory is short, only as long as they take a good part of it: their subscribers have missed
// nothing, and would be told of a new epoch.
void MemoryBroker::enforce_totals(const Topic& used) {
  constexpr std::size_t kUnpublishedShare = 8;
  for (;;) {
    const bool too_many = topic_count() > options_.topics_max;
    if (!too_many && total_bytes_ <= options_.total_bytes_max) return;
    const bool crowded = too_many || unpublished_bytes_ > options_.total_bytes_max / kUnpublishedShare;
    Topics& first = crowded ? unpublished_ : published_;
    Topics& second = crowded ? published_ : unpublished_;
    if (!forget_oldest(first, used) && !forget_oldest(second, used)) return;
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
