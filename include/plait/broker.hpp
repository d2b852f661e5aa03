// Broker: where publications get their order and are kept for recovery. The hub publishes through it and nothing else.
#pragma once

#include <plait/bytes.hpp>
#include <plait/config.hpp>
#include <plait/result.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace plait {

class Executor;

/// Where a publication stands in its topic. Offsets count up by one from 1 within an epoch; a topic whose state was
/// lost (restart, eviction) begins a new epoch, and positions of different epochs cannot be compared.
struct Position {
  std::uint32_t epoch = 0;
  std::uint64_t offset = 0;
  friend bool operator==(const Position&, const Position&) = default;
};

/// What a publisher says of its publication. It is only carried to the subscribers: nothing is delivered earlier for
/// it.
enum class Priority : std::uint8_t { background = 1, low = 3, normal = 5, high = 8, critical = 10 };

/// Wall-clock time in the unit that goes on the wire.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;
/// A UUID version 7 (RFC 9562 §5.7), big-endian.
using MessageId = std::array<std::uint8_t, 16>;

/// What the publisher decides. `id` and `time` travel with the publication unchanged.
struct PublishOptions {
  Priority priority = Priority::normal;
  MessageId id{};
  WallTime time{};
};

/// One message of one topic, in its place. Copies share the bytes.
struct Publication {
  Bytes topic;
  Position position;
  Bytes payload;  ///< one JSON value
  Priority priority = Priority::normal;
  MessageId id{};
  WallTime time{};
};

/// Why a broker refused; the publication was then neither kept nor delivered.
enum class BrokerError : std::uint8_t {
  payload_too_large,  ///< larger than one topic may keep
  unavailable,        ///< the broker cannot be reached now: try again later
};

/// What a topic holds after a position.
struct History {
  Position position;       ///< of the newest publication, or (epoch, 0) before the first
  bool recovered = false;  ///< `publications` is the whole gap; false: it cannot be filled, and is empty
  std::vector<Publication> publications;
};

/// Gets the publications of the topics that live on one loop.
class BrokerListener {
 public:
  /// One call per publication, in the topic's order.
  virtual void on_publication(const Publication& publication) = 0;

 protected:
  ~BrokerListener() = default;
};

/// One object per loop, for the topics whose home is that loop; every call and every callback is on that loop.
///
/// Guarantees, which every implementation keeps and the hub builds on:
/// - Order: publications of one topic have consecutive offsets, are told to the listener in that order, and all
///   publish() calls of one caller keep theirs. Nothing is said between topics.
/// - Atomicity: a publication is stamped, kept and told as one step; done(position) follows its own on_publication.
///   What history() answers ends at its `position`, and the next on_publication of that topic is position.offset + 1:
///   nothing is in both, nothing in neither.
/// - Delivery: the memory broker tells each publication exactly once and loses all with the process. A networked broker
///   may answer `unavailable` for a publication that was stored after all (at least once for a caller that retries);
///   PublishOptions::id lets receivers recognise it.
/// - Every `done` is called exactly once, inside the call or later, unless the broker is destroyed before.
///
/// An exception out of publish() or history() is logged and, where `done` was not called before, taken for
/// `unavailable`: what `done` says after that is not heard any more.
class Broker {
 public:
  using PublishDone = std::function<void(Result<Position, BrokerError>)>;
  using HistoryDone = std::function<void(Result<History, BrokerError>)>;

  virtual ~Broker() = default;
  /// `payload` is shared, not copied: with several loops it must have been share_between_threads().
  virtual void publish(std::string_view topic, Bytes payload, const PublishOptions& options, PublishDone done) = 0;
  /// The topic's newest position and, with `since`, what came after it. A topic that does not exist begins now.
  virtual void history(std::string_view topic, std::optional<Position> since, HistoryDone done) = 0;
};

/// What a broker is made with; both references outlive it.
struct BrokerContext {
  Executor& executor;
  BrokerListener& listener;
  std::function<std::uint32_t()> random;
};
/// Makes the broker of one loop, on any thread, before that loop turns.
using BrokerFactory = std::function<std::unique_ptr<Broker>(BrokerContext context)>;

/// How much the memory broker keeps, per loop unless said otherwise.
struct MemoryBrokerOptions {
  /// Publications kept per topic; 0 keeps none, so that nothing can be recovered.
  std::size_t history_count_max = 128;
  /// Payload bytes kept per topic. Larger payloads are refused; the oldest go first.
  std::size_t history_bytes_max = std::size_t{16} << 20;
  /// How long a publication is kept; it is gone about an eighth of that later, even if nobody touches its topic.
  std::chrono::nanoseconds history_ttl = std::chrono::seconds{300};
  /// Memory of all topics together, at least history_bytes_max: of each topic its name and 320 bytes, 704 more while it
  /// keeps publications, and of each of these payload, name and 192 bytes. Beyond, topics are forgotten: those
  /// used longest ago among the ones with publications, unless the others take more than an eighth of it.
  std::size_t total_bytes_max = std::size_t{256} << 20;
  /// Topics known; the one that was used longest ago is forgotten, and begins a new epoch when it comes back. Those
  /// that nobody has published to go first.
  std::size_t topics_max = 100'000;
};

/// Keeps everything in this process.
PLAIT_API BrokerFactory memory_broker(const MemoryBrokerOptions& options = {});

}  // namespace plait
