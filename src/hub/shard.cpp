#include "hub/shard.hpp"

#include <algorithm>
#include <utility>

#include "core/assert.hpp"
#include "core/guard.hpp"
#include "core/joined.hpp"
#include "core/release_memory.hpp"
#include "hub/connection.hpp"
#include "hub/engine.hpp"

namespace plait::hub {
namespace {

constexpr std::chrono::milliseconds kRetryInterval{5};
/// Connections that are resumed in one turn: each may ask once before it is paused again.
constexpr std::size_t kResumedMax = 256;
/// Payloads from which on their frames are looked for before one is made.
constexpr std::size_t kSharedFrameBytesMin = std::size_t{64} << 10;
/// How long after a session has taken a shared frame it may still be there.
constexpr std::chrono::milliseconds kFrameInterval{100};

std::uint32_t random_epoch(const HubOptions& options) {
  std::uint32_t epoch = 0;
  options.random({reinterpret_cast<std::uint8_t*>(&epoch), sizeof(epoch)});
  return epoch;
}

bool is_answered(const LoopMessage& request) {
  return !std::holds_alternative<Unsubscribe>(request) && !std::holds_alternative<Unwatch>(request);
}

}  // namespace

Shard::Shard(Engine& engine, core::Executor& executor, std::uint32_t index, std::uint32_t loop_count)
    : engine_(engine),
      executor_(executor),
      index_(index),
      loop_count_(loop_count),
      ids_(engine.options().random),
      home_(
          *this,
          [&](BrokerListener& listener) {
            return engine.options().broker({executor, listener, [&engine] { return random_epoch(engine.options()); }});
          }),
      answers_due_(loop_count),
      has_new_(loop_count) {}

Shard::~Shard() {
  in_turn_ = true;  // the executor may be gone: nothing is posted any more
  retired_.clear();
}

const HubOptions& Shard::options() const { return engine_.options(); }

MessageId Shard::next_id() { return ids_.next(options().wall_clock()); }

wire::Head Shard::head(wire::Form form, std::string_view cid) {
  const WallTime time = options().wall_clock();
  return {form, ids_.next(time), time, cid};
}

std::string& Shard::scratch() {
  scratch_.clear();
  return scratch_;
}

Bytes Shard::frame_of(const Publication& publication, wire::Form form) {
  const auto encode = [&] {
    std::string& text = scratch();
    wire::encode(text, form, publication);
    return Bytes::copy_of(text);
  };
  if (publication.payload.size() < kSharedFrameBytesMin) return encode();
  const Position at = publication.position;
  Frame& frame = frames_[{at.offset, at.epoch, form, publication.topic.text()}];
  if (frame.bytes.empty()) {
    frame = {publication.topic, encode()};
    core::release_memory(scratch_);
    watch_frames();
  }
  return frame.bytes;
}

void Shard::watch_frames() {
  if (!frames_.empty() && !frame_timer_.armed()) executor_.schedule(frame_timer_, executor_.now() + kFrameInterval);
}

void Shard::forget_unused_frames() {
  std::erase_if(frames_, [](const auto& entry) { return entry.second.bytes.block()->reference_count == 1; });
  watch_frames();
}

// --- Connections ----------------------------------------------------------------------------------------------------

ConnectionRef Shard::add(Connection& connection) {
  counters_.connections_open.add();
  if (free_slots_.empty()) {
    slots_.push_back({});
    free_slots_.push_back(static_cast<std::uint32_t>(slots_.size() - 1));
  }
  const std::uint32_t index = free_slots_.back();
  free_slots_.pop_back();
  slots_[index].connection = &connection;
  return {index, slots_[index].generation};
}

void Shard::remove(ConnectionRef ref) {
  counters_.connections_open.subtract();
  slots_[ref.index].connection = nullptr;
  if (++slots_[ref.index].generation == 0) slots_[ref.index].generation = 1;
  free_slots_.push_back(ref.index);
}

void Shard::retire(std::unique_ptr<Connection> connection) {
  retired_.push_back(std::move(connection));
  schedule_turn();
}

Connection* Shard::find(ConnectionRef ref) {
  return slots_[ref.index].generation == ref.generation ? slots_[ref.index].connection : nullptr;
}

bool Shard::try_subscribe(Topic& topic, const Ticket& ticket, std::optional<Position> since) {
  if (!try_request(engine_.home_of(topic.name.text()), Subscribe{topic.name, ticket, since})) return false;
  topic.known_at_home = true;
  ++topic.requests;
  return true;
}

bool Shard::try_watch(Pattern& pattern, const Ticket& ticket) {
  if (!pattern.known_at_home) {
    for (std::uint32_t home = 0; home < loop_count_; ++home) {
      if (!can_request(home)) return false;
    }
    pattern.known_at_home = true;
    pattern.homes_left = loop_count_;
    for (std::uint32_t home = 0; home < loop_count_; ++home) request(home, Watch{pattern.name});
  }
  ++pattern.requests;
  pattern.waiting.push_back(ticket);
  return true;
}

bool Shard::try_publish(std::string_view topic, std::string_view json, Priority priority, const Ticket& ticket) {
  const std::uint32_t home = engine_.home_of(topic);
  if (!can_request(home)) return false;
  Bytes joined = core::joined({as_bytes(topic), as_bytes(json)});
  joined.share_between_threads();
  const WallTime time = options().wall_clock();
  request(home, Publish{joined.slice(0, topic.size()),
                        joined.slice(topic.size(), json.size()),
                        {priority, ids_.next(time), time},
                        ticket});
  return true;
}

void Shard::publish_here(std::string_view topic, Bytes payload, const Broker::PublishDone& done) {
  const WallTime time = options().wall_clock();
  home_.publish(topic, std::move(payload), {Priority::normal, ids_.next(time), time}, [this, done](const auto& result) {
    (result ? counters_.publications : counters_.publications_refused).add();
    if (done) core::guarded("the callback of a publication", [&] { done(result); });
  });
}

// --- Turns ----------------------------------------------------------------------------------------------------------

void Shard::wake() {
  if (!turn_posted_.exchange(true)) executor_.post([this] { turn(); });
}

void Shard::schedule_turn() {
  if (!in_turn_) wake();
}

void Shard::turn() {
  turn_posted_.exchange(false);  // before looking into the rings: what is pushed from now on posts another turn
  in_turn_ = true;
  for (std::uint32_t from = 0; from < loop_count_; ++from) {
    if (from != index_) drain(from);
  }
  drain_own();  // last, since the requests above are answered into it too
  audience_.deliver_all();
  std::exchange(retired_, {}).clear();
  const bool gaps_sent = home_.retry_gaps();
  const bool unused_forgotten = audience_.forget_unused();
  if (!gaps_sent || !unused_forgotten) retry();
  counters_.missed_by_loops.set(home_.missed_count());
  in_turn_ = false;
  wake_peers();
  resume_waiting();
}

void Shard::drain(std::uint32_t from) {
  LoopRing& ring = engine_.ring(from, index_);
  for (std::size_t left = ring.waiting(); left > 0; --left) {
    LoopMessage message = ring.take();
    std::visit([&](auto& alternative) { take(from, std::move(alternative)); }, message);
  }
}

// Never inside a client's request: what is taken changes what the request holds.
void Shard::drain_own() {
  PLAIT_ASSERT(!serving_, "a client's request is not interrupted");
  if (std::exchange(draining_own_, true)) return;
  drain(index_);
  draining_own_ = false;
}

// For a gap and a publication beside the answers' reserve. False: not now.
bool Shard::make_own_room() {
  constexpr std::size_t kWanted = kAnswersMax + 2;
  LoopRing& own = ring_to(index_);
  const std::size_t bytes_max = options().ring_bytes_max;
  if ((own.room(kWanted) < kWanted || !own.weighs_less_than(bytes_max)) && !serving_) drain_own();
  return own.room(kWanted) > kAnswersMax && own.weighs_less_than(bytes_max);
}

Shard::Serving::Serving(Shard& shard) : shard_(shard), outer_(shard.serving_) {
  if (!shard.serving_ && !shard.in_turn_) {
    shard.make_own_room();
    // One message asks for at most wire::kRequestTopicsMax answers.
    if (shard.answers_due_[shard.index_] >= kAnswersMax / 2) shard.drain_own();
  }
  shard.serving_ = true;
  shard.asked_busy_home_.reset();
}

void Shard::wake_peers() {
  for (std::uint32_t loop = 0; loop < loop_count_; ++loop) {
    if (std::exchange(has_new_[loop], 0) == 0) continue;
    if (loop != index_ || engine_.ring(index_, index_).waiting() > 0) engine_.shard(loop).wake();
  }
}

void Shard::retry() {
  if (!retry_timer_.armed()) executor_.schedule(retry_timer_, executor_.now() + kRetryInterval);
}

// --- Backpressure ---------------------------------------------------------------------------------------------------

// So many answers are due, or little is left in its ring beside their reserve or of the bytes. The own ring is emptied
// on the spot.
bool Shard::is_busy(std::uint32_t home, std::size_t answers_max) {
  if (answers_due_[home] >= answers_max) return true;
  if (home == index_) return false;
  const std::size_t wanted = kAnswersMax + std::min(kAnswersLow, options().ring_capacity / 4);
  const std::size_t bytes_max = options().ring_bytes_max;
  return ring_to(home).room(wanted) < wanted || !ring_to(home).weighs_less_than(bytes_max - bytes_max / 2);
}

bool Shard::must_wait(ConnectionRef ref) {
  const auto home = std::exchange(asked_busy_home_, std::nullopt);
  if (!home || serving_) return false;
  if (*home == index_ && !in_turn_) drain_own();
  if (!is_busy(*home, kAnswersHigh)) return false;
  waiting_.push_back({ref, *home});
  retry();
  return true;
}

// Sessions over lines bring at once what they have kept, which may pause a connection again inside on_room(): behind
// all the others.
void Shard::resume_waiting() {
  std::size_t resumed = 0;
  std::vector<Waiting> left;
  for (const Waiting& waiting : std::exchange(waiting_, {})) {
    if (resumed == kResumedMax || is_busy(waiting.home, kAnswersLow)) {
      left.push_back(waiting);
    } else if (Connection* connection = find(waiting.connection)) {
      ++resumed;
      connection->on_room();
    }
  }
  waiting_.insert(waiting_.begin(), left.begin(), left.end());
  if (!waiting_.empty()) retry();
}

// --- Into the rings -------------------------------------------------------------------------------------------------

LoopRing& Shard::ring_to(std::uint32_t loop) { return engine_.ring(index_, loop); }

void Shard::push(std::uint32_t loop, LoopMessage&& message) {
  ring_to(loop).push(std::move(message));
  has_new_[loop] = 1;
  schedule_turn();
}

bool Shard::can_request(std::uint32_t home) {
  if (answers_due_[home] >= kAnswersMax) return false;
  return home == index_ || has_room_to(home);
}

// Beside the answers' reserve.
bool Shard::has_room_to(std::uint32_t loop) {
  LoopRing& ring = ring_to(loop);
  return ring.room(kAnswersMax + 1) > kAnswersMax && ring.weighs_less_than(options().ring_bytes_max);
}

void Shard::request(std::uint32_t home, LoopMessage&& request) {
  if (is_answered(request)) ++answers_due_[home];
  if (is_busy(home, kAnswersHigh)) asked_busy_home_ = home;
  if (home != index_) return push(home, std::move(request));
  std::visit([&](auto& alternative) { take(index_, std::move(alternative)); }, request);
}

bool Shard::try_request(std::uint32_t home, LoopMessage&& message) {
  if (!can_request(home)) return false;
  request(home, std::move(message));
  return true;
}

bool Shard::try_leave(const Subject& subject) {
  if (!subject.is_pattern) return try_request(engine_.home_of(subject.name.text()), Unsubscribe{subject.name});
  for (std::uint32_t home = 0; home < loop_count_; ++home) {
    if (!can_request(home)) return false;
  }
  for (std::uint32_t home = 0; home < loop_count_; ++home) request(home, Unwatch{subject.name});
  return true;
}

bool Shard::try_deliver(std::uint32_t loop, LoopMessage&& message) {
  const bool has_room = loop == index_ ? make_own_room() : has_room_to(loop);
  if (!has_room) return false;
  push(loop, std::move(message));
  return true;
}

void Shard::answer(std::uint32_t loop, LoopMessage&& message) { push(loop, std::move(message)); }

// --- Out of the rings -----------------------------------------------------------------------------------------------

void Shard::take(std::uint32_t, Publication&& publication) { audience_.handle(std::move(publication)); }

void Shard::take(std::uint32_t, Gap&& gap) { audience_.handle(gap); }

void Shard::take(std::uint32_t from, Subscribed&& answer) {
  --answers_due_[from];
  Subject* subject = audience_.find(answer.topic.text());
  PLAIT_ASSERT(subject != nullptr && subject->requests > 0, "a subject stays while it is requested");
  --subject->requests;
  if (answer.missed > 0) audience_.handle(Gap{answer.topic, answer.missed_until, answer.missed});
  if (Connection* connection = find(answer.ticket.connection)) {
    if (answer.history != nullptr) {
      auto& topic = static_cast<Topic&>(*subject);
      audience_.deliver(topic);  // what was gathered came before: not for the newcomer
      topic.newest = answer.history->position;
      connection->on_subscribed(*subject, answer.ticket.request, std::move(answer.history));
    } else {
      connection->on_subscribe_failed(*subject, answer.ticket.request);
    }
  }
  audience_.check_unused(*subject);
}

void Shard::take(std::uint32_t from, Watching&& answer) {
  --answers_due_[from];
  auto* pattern = static_cast<Pattern*>(audience_.find(answer.pattern.text()));
  PLAIT_ASSERT(pattern != nullptr && pattern->is_pattern, "a pattern stays while it is requested");
  for (const Gap& gap : answer.gaps) audience_.handle(gap);
  if (!audience_.handle_watching(*pattern)) return;
  for (const Ticket& ticket : std::exchange(pattern->waiting, {})) {
    --pattern->requests;
    if (Connection* connection = find(ticket.connection)) connection->on_subscribed(*pattern, ticket.request, nullptr);
  }
  audience_.check_unused(*pattern);
}

void Shard::take(std::uint32_t from, Published&& answer) {
  --answers_due_[from];
  (answer.error ? counters_.publications_refused : counters_.publications).add();
  if (Connection* connection = find(answer.ticket.connection)) connection->on_published(answer.ticket.request, answer);
}

}  // namespace plait::hub
