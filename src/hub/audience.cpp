#include "hub/audience.hpp"

#include "core/release_memory.hpp"
#include "hub/connection.hpp"

namespace plait::hub {
namespace {

Bytes shared_copy_of(std::string_view name) {
  Bytes bytes = Bytes::copy_of(name);
  bytes.share_between_threads();
  return bytes;
}

}  // namespace

// --- Subjects -------------------------------------------------------------------------------------------------------

Topic& Audience::topic(std::string_view name) {
  if (const auto found = topics_.find(name); found != topics_.end()) return *found->second;
  auto topic = std::make_unique<Topic>(shared_copy_of(name));
  Topic& made = *topic;
  topics_.emplace(made.name.text(), std::move(topic));
  return made;
}

Pattern& Audience::pattern(std::string_view name) {
  if (const auto found = patterns_.find(name); found != patterns_.end()) return *found->second;
  auto pattern = std::make_unique<Pattern>(shared_copy_of(name));
  Pattern& made = *pattern;
  patterns_.emplace(made.name.text(), std::move(pattern));
  return made;
}

Subject* Audience::find(std::string_view name) {
  if (const auto found = topics_.find(name); found != topics_.end()) return found->second.get();
  if (const auto found = patterns_.find(name); found != patterns_.end()) return found->second.get();
  return nullptr;
}

std::uint32_t Audience::add(Subject& subject, Subscriber subscriber) {
  subject.subscribers.push_back(subscriber);
  return static_cast<std::uint32_t>(subject.subscribers.size() - 1);
}

void Audience::remove(Subject& subject, std::uint32_t index) {
  const Subscriber moved = subject.subscribers.back();
  subject.subscribers[index] = moved;
  moved.connection->on_index_changed(moved.slot, index);
  subject.subscribers.pop_back();
  check_unused(subject);
}

void Audience::check_unused(Subject& subject) {
  if (!subject.unused() || subject.maybe_unused) return;
  subject.maybe_unused = true;
  maybe_unused_.push_back(&subject);
}

bool Audience::forget_unused() {
  std::vector<Subject*> kept;
  for (Subject* subject : maybe_unused_) {
    if (subject->unused() && subject->known_at_home && !try_leave_(*subject)) {
      kept.push_back(subject);
      continue;
    }
    subject->maybe_unused = false;
    if (!subject->unused()) continue;
    if (!subject->is_pattern) {
      forget_list(static_cast<Topic&>(*subject));
      topics_.erase(subject->name.text());
      continue;
    }
    if (static_cast<Pattern*>(subject)->active()) {
      trie_.erase(subject->name.text());
      ++patterns_version_;
    }
    patterns_.erase(subject->name.text());
  }
  maybe_unused_.swap(kept);
  return maybe_unused_.empty();
}

bool Audience::handle_watching(Pattern& pattern) {
  if (--pattern.homes_left > 0) return false;
  deliver_all();  // to those whom the patterns known until now name
  trie_.insert(pattern.name.text(), &pattern);
  ++patterns_version_;
  return true;
}

const std::vector<Pattern*>& Audience::patterns_of(Topic& topic) {
  if (topic.patterns_version != patterns_version_) match_patterns(topic);
  return topic.patterns;
}

std::vector<Pattern*> Audience::patterns_of(std::string_view topic) {
  if (const auto found = topics_.find(topic); found != topics_.end()) return patterns_of(*found->second);
  std::vector<Pattern*> patterns;
  trie_.match(topic, [&](void* value) { patterns.push_back(static_cast<Pattern*>(value)); });
  return patterns;
}

void Audience::match_patterns(Topic& topic) {
  forget_list(topic);
  matching_.clear();
  trie_.match(topic.name.text(), [&](void* value) { matching_.push_back(static_cast<Pattern*>(value)); });
  if (listed_patterns_ + matching_.size() > kListedPatternsMax) forget_lists();
  topic.patterns.assign(matching_.begin(), matching_.end());
  topic.patterns_version = patterns_version_;
  listed_patterns_ += topic.patterns.size();
}

void Audience::forget_list(Topic& topic) {
  listed_patterns_ -= topic.patterns.size();
  core::release_memory(topic.patterns);
}

// Rather than keeping no more of them: then who fills them once would have every publication of others matched anew.
void Audience::forget_lists() {
  for (const auto& [name, topic] : topics_) forget_list(*topic);
  ++patterns_version_;
}

// --- Fan-out --------------------------------------------------------------------------------------------------------

// Null: nobody on this loop listens any more, and what comes was on its way when the last one left.
Topic* Audience::listening_topic(const Bytes& name) {
  const auto found = topics_.find(name.text());
  if (found == topics_.end() && trie_.empty()) return nullptr;
  if (found == topics_.end() && ++idle_topics_ > kIdleTopicsMax) drop_idle_topics();
  return found != topics_.end() ? found->second.get() : &topic(name.text());
}

void Audience::handle(Publication&& publication) {
  Topic* topic = listening_topic(publication.topic);
  if (topic == nullptr) return;
  if (topic->burst == nullptr) {
    topic->burst = take_burst();
    gathered_.push_back(topic);
  }
  topic->burst->add(std::move(publication));
  if (topic->burst->size() >= kBurstMax) deliver(*topic);
}

std::unique_ptr<Burst> Audience::take_burst() {
  if (spare_bursts_.empty()) return std::make_unique<Burst>();
  std::unique_ptr<Burst> burst = std::move(spare_bursts_.back());
  spare_bursts_.pop_back();
  return burst;
}

void Audience::give_back(std::unique_ptr<Burst> burst) {
  burst->clear();
  if (spare_bursts_.size() < kSpareBurstsMax) spare_bursts_.push_back(std::move(burst));
}

void Audience::handle(const Gap& gap) {
  Topic* topic = listening_topic(gap.topic);
  if (topic == nullptr) return;
  deliver(*topic);
  topic->newest = gap.position;
  for_each_listener(*topic, [&](Connection& connection, std::uint32_t slot) { connection.deliver_gap(slot, gap); });
}

void Audience::deliver(Topic& topic) {
  if (topic.burst == nullptr) return;
  std::unique_ptr<Burst> burst = std::move(topic.burst);
  for_each_listener(topic, [&](Connection& connection, std::uint32_t slot) { connection.deliver(slot, *burst); });
  topic.newest = burst->publications().back().position;
  give_back(std::move(burst));
}

void Audience::deliver_all() {
  for (Topic* topic : gathered_) deliver(*topic);
  gathered_.clear();
}

template <class Visit>
void Audience::for_each_listener(Topic& topic, const Visit& visit) {
  const std::vector<Pattern*>& patterns = patterns_of(topic);
  ++visit_;
  for (const Subscriber& subscriber : topic.subscribers) {
    if (patterns.empty() || subscriber.connection->begin_visit(visit_)) visit(*subscriber.connection, subscriber.slot);
  }
  for (const Pattern* pattern : patterns) {
    for (const Subscriber& subscriber : pattern->subscribers) {
      if (subscriber.connection->begin_visit(visit_)) visit(*subscriber.connection, subscriber.slot);
    }
  }
}

void Audience::drop_idle_topics() {
  deliver_all();
  std::erase_if(topics_, [&](const auto& entry) {
    Topic& topic = *entry.second;
    if (!topic.unused() || topic.known_at_home || topic.maybe_unused) return false;
    forget_list(topic);
    return true;
  });
  idle_topics_ = 0;
}

}  // namespace plait::hub
