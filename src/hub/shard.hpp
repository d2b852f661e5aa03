// Shard: the hub on one loop. It is the home of some topics and the audience of all, and joins both to the rings.
//
// turn() is the only thing that is ever posted: it takes what the other loops have sent, delivers it, and wakes the
// loops that got something since the last turn. So a burst costs one wake-up per loop, however many messages it has.
#pragma once

#include <plait/hub.hpp>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <tuple>
#include <vector>

#include "core/executor.hpp"
#include "hub/audience.hpp"
#include "hub/counters.hpp"
#include "hub/home.hpp"
#include "hub/loop_message.hpp"
#include "hub/ring.hpp"
#include "wire/encode.hpp"
#include "wire/envelope.hpp"
#include "wire/stamp.hpp"

namespace plait::hub {

class Engine;

class Shard final : private HomeOutlet {
 public:
  /// Answers that may be on their way from one home to one loop; their room in the ring is reserved.
  static constexpr std::size_t kAnswersMax = 4096;
  /// Answers due from one home at which the connections that go on asking it are paused, and resumed again.
  static constexpr std::size_t kAnswersHigh = kAnswersMax / 2;
  static constexpr std::size_t kAnswersLow = kAnswersMax / 4;

  Shard(Engine& engine, core::Executor& executor, std::uint32_t index, std::uint32_t loop_count);
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;
  ~Shard();

  // For connections of this loop. The try_ functions answer false when a ring is full; nothing has happened then.
  ConnectionRef add(Connection& connection);
  void remove(ConnectionRef ref);
  /// Destroys a connection whose session is gone, when no fan-out is under way.
  void retire(std::unique_ptr<Connection> connection);
  bool try_subscribe(Topic& topic, const Ticket& ticket, std::optional<Position> since);
  bool try_watch(Pattern& pattern, const Ticket& ticket);
  bool try_publish(std::string_view topic, std::string_view json, Priority priority, const Ticket& ticket);
  [[nodiscard]] Audience& audience() { return audience_; }
  [[nodiscard]] Counters& counters() { return counters_; }
  [[nodiscard]] const Counters& counters() const { return counters_; }
  [[nodiscard]] const HubOptions& options() const;
  [[nodiscard]] core::TimePoint now() const { return executor_.now(); }
  [[nodiscard]] wire::EnvelopeDecoder& decoder() { return decoder_; }
  MessageId next_id();
  wire::Head head(wire::Form form, std::string_view cid);
  /// An empty string that keeps its memory, for one message.
  std::string& scratch();
  /// The message that tells of `publication`. A large one is shared by all sessions that it waits for: a client that
  /// asks for a history and reads none of it costs no copy.
  Bytes frame_of(const Publication& publication, wire::Form form);
  /// Lives while a client's message is handled. Nothing is taken out of the own ring meanwhile, so subjects,
  /// subscriptions and pending requests stay where they are; room for what the message asks is made before.
  class Serving {
   public:
    explicit Serving(Shard& shard);
    Serving(const Serving&) = delete;
    Serving& operator=(const Serving&) = delete;
    ~Serving() { shard_.serving_ = outer_; }

   private:
    Shard& shard_;
    const bool outer_;
  };
  /// Call when a message of `ref` has been handled. True: it has asked a home that is busy and must be paused before it
  /// asks more, which would be refused; on_room() will be called.
  [[nodiscard]] bool must_wait(ConnectionRef ref);
  /// Makes sure that subjects without users are forgotten soon.
  void schedule_turn();

  /// Publishes on this loop, which must be the topic's home.
  void publish_here(std::string_view topic, Bytes payload, const Broker::PublishDone& done);
  /// From any thread.
  [[nodiscard]] core::Executor& executor() { return executor_; }
  void wake();

 private:
  class RetryTimer final : public core::Timer {
   public:
    explicit RetryTimer(Shard& shard) : shard_(shard) {}

   private:
    void on_timer(core::TimePoint) override { shard_.turn(); }
    Shard& shard_;
  };
  class FrameTimer final : public core::Timer {
   public:
    explicit FrameTimer(Shard& shard) : shard_(shard) {}

   private:
    void on_timer(core::TimePoint) override { shard_.forget_unused_frames(); }
    Shard& shard_;
  };
  /// A paused connection, and the home that it waits for.
  struct Waiting {
    ConnectionRef connection;
    std::uint32_t home = 0;
  };
  /// A large frame that some session still holds.
  struct Frame {
    Bytes topic;  // that its key points into
    Bytes bytes;
  };
  using FrameKey = std::tuple<std::uint64_t, std::uint32_t, wire::Form, std::string_view>;  // position, form, topic
  struct Slot {
    Connection* connection = nullptr;
    std::uint32_t generation = 1;
  };

  void turn();
  void watch_frames();
  void forget_unused_frames();
  void drain(std::uint32_t from);
  void drain_own();
  bool make_own_room();
  [[nodiscard]] bool is_busy(std::uint32_t home, std::size_t answers_max);
  void resume_waiting();
  void wake_peers();
  void retry();

  bool try_request(std::uint32_t home, LoopMessage&& request);
  [[nodiscard]] bool can_request(std::uint32_t home);
  [[nodiscard]] bool has_room_to(std::uint32_t loop);
  void request(std::uint32_t home, LoopMessage&& request);
  bool try_deliver(std::uint32_t loop, LoopMessage&& message) override;
  void answer(std::uint32_t loop, LoopMessage&& message) override;
  void on_gap() override { retry(); }
  bool try_leave(const Subject& subject);
  void push(std::uint32_t loop, LoopMessage&& message);
  [[nodiscard]] LoopRing& ring_to(std::uint32_t loop);
  [[nodiscard]] Connection* find(ConnectionRef ref);

  // What comes out of the ring from loop `from`; the first five are requests to this home.
  template <class Request>
  void take(std::uint32_t from, Request&& request) {
    home_.handle(from, std::forward<Request>(request));
  }
  void take(std::uint32_t from, Publication&& publication);
  void take(std::uint32_t from, Gap&& gap);
  void take(std::uint32_t from, Subscribed&& answer);
  void take(std::uint32_t from, Watching&& answer);
  void take(std::uint32_t from, Published&& answer);

  Engine& engine_;
  core::Executor& executor_;
  const std::uint32_t index_;
  const std::uint32_t loop_count_;
  wire::IdSource ids_;
  wire::EnvelopeDecoder decoder_;
  std::string scratch_;
  std::map<FrameKey, Frame> frames_;
  Counters counters_;
  Home home_;
  Audience audience_{[this](const Subject& subject) { return try_leave(subject); }};
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_slots_;
  std::vector<std::size_t> answers_due_;  // per home
  std::vector<char> has_new_;             // per loop: its ring got something since the last turn
  std::vector<std::unique_ptr<Connection>> retired_;
  std::vector<Waiting> waiting_;  // in the order in which they were paused
  std::optional<std::uint32_t> asked_busy_home_;
  RetryTimer retry_timer_{*this};
  FrameTimer frame_timer_{*this};
  bool in_turn_ = false;
  bool serving_ = false;
  bool draining_own_ = false;
  std::atomic<bool> turn_posted_{false};
};

}  // namespace plait::hub
