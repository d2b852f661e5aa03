// Handlers that do anything at any time, from inside every callback, and check what session.hpp and stream.hpp promise:
// no callback before on_open or after on_close, one at a time, on one thread; messages whole and in order, and none
// lost before a clean close; on_writable after `queued` and `dropped`; nothing accepted once it is closing.
#pragma once

#include <array>
#include <map>
#include <random>
#include <set>
#include <utility>

#include "integration/server/support.hpp"

namespace plait::test {

enum class Mode : std::uint8_t { messages, parts, streams };

/// The message of that number; whoever made it.
std::string make_message(bool from_client, std::uint64_t number, std::size_t size);
/// Its number, if it is whole and one that this side made.
std::optional<std::uint64_t> number_of(bool from_client, std::string_view message);
/// What stands at an offset of a stream.
std::string_view stream_text(bool from_client, std::uint64_t offset, std::size_t size);

class Actor;

/// What one side of a session has done, for the other side and for who drives both.
struct Side {
  std::atomic<Actor*> actor{nullptr};  ///< while it is open; for tasks posted to the session
  std::atomic<int> opened{0};
  std::atomic<int> closed{0};
  std::atomic<bool> over{false};           ///< it has called close() or abort(), or thrown
  std::atomic<bool> settled{false};        ///< a task has come after the last step, so that it does nothing any more
  std::atomic<std::uint64_t> sent{0};      ///< messages that send() accepted
  std::atomic<std::uint64_t> received{0};  ///< messages
  std::atomic<int> awaits_writable{0};     ///< the session and its streams
  Box<SessionId> id;
  Box<CloseInfo> info;
};

/// One session, both sides of it.
struct Pair {
  std::string name;  ///< of the round, the wire and the mode, for failures
  std::string wire;
  Mode mode = Mode::messages;
  bool deflate = false;
  bool shares_connection = false;
  std::uint64_t seed = 0;
  Side client, server;
  std::mutex mutex;
  std::map<std::pair<bool, std::uint64_t>, std::uint64_t> ended_streams;  ///< bytes, by the writer's role and the ID
};

/// What all actors of a round share.
struct Stage {
  static constexpr std::size_t kPairsMax = 48;
  std::array<Pair, kPairsMax> pairs;
  std::atomic<bool> acting{true};  ///< false: nobody does anything any more, but takes what comes
  std::atomic<int> handlers{0};
  std::atomic<std::uint64_t> checked_closes{0};
  Server* server = nullptr;
  Client* client = nullptr;
  std::function<void()> connect_one;  ///< on the client's thread
};

class StreamActor;

class Actor final : public SessionHandler {
 public:
  /// A server's learns in on_request() of which pair it is.
  explicit Actor(Stage& stage);
  Actor(Stage& stage, Pair& pair);
  Actor(const Actor&) = delete;
  Actor& operator=(const Actor&) = delete;
  ~Actor() override;

  void on_request(OpeningRequest& request) override;
  void on_open(Session& session) override;
  void on_message(Session& session, const Message& message) override;
  [[nodiscard]] bool wants_parts() const override { return pair_->mode == Mode::parts; }
  void on_message_part(Session& session, const Message& part, bool last) override;
  [[nodiscard]] bool wants_streams() const override { return pair_->mode == Mode::streams; }
  std::unique_ptr<StreamHandler> on_stream(Session& session, Stream& stream) override;
  void on_streams_available(Session& session, StreamDirection direction) override;
  void on_datagram(Session& session, ByteView data) override;
  void on_datagram_fate(Session& session, DatagramId id, DatagramFate fate) override;
  void on_writable(Session& session) override;
  void on_draining(Session& session) override;
  void on_close(Session& session, const CloseInfo& info) override;

  /// From a task that was posted to the session.
  void act_from_outside(Session& session);
  /// Ends everything that the peer could wait for.
  void settle(Session& session);

 private:
  friend class StreamActor;
  class Scope;

  [[nodiscard]] Side& own() const { return is_client_ ? pair_->client : pair_->server; }
  [[nodiscard]] Side& peers() const { return is_client_ ? pair_->server : pair_->client; }
  std::size_t random(std::size_t count) { return random_() % count; }
  void fail(const std::string& what) const;
  void expect(bool holds, const char* what) const {
    if (!holds) fail(what);
  }
  void post(std::function<void(Session&)> task) const;

  /// At the end of each callback: a few random calls, and perhaps an exception.
  void act(Session& session);
  void step(Session& session);
  void step_any_mode(Session& session);
  void step_messages(Session& session);
  void send_one(Session& session);
  void send_burst(Session& session);
  void write_part(Session& session);
  void step_streams(Session& session);
  void send_datagram(Session& session);
  void close(Session& session);
  void abort(Session& session);
  std::size_t random_size();
  void note(SendStatus status, std::size_t count);
  void note_backlog(SendStatus status);
  void take(std::string_view message, MessageKind kind);

  Stage& stage_;
  Pair* pair_ = nullptr;
  const bool is_client_;
  std::mt19937_64 random_;
  std::size_t steps_left_ = 0;
  std::thread::id thread_;
  bool opened_ = false;
  bool closed_ = false;    // on_close was called
  bool aborting_ = false;  // inside abort()
  bool sends_datagram_ = false;
  int depth_ = 0;
  bool awaits_writable_ = false;
  bool drained_ = false;
  MessageWriter* writer_ = nullptr;
  std::string in_parts_;           // what is left of the message under way
  std::string assembled_;          // what came of one
  std::uint64_t last_made_ = 0;    // numbers of messages: of our own that were accepted,
  std::uint64_t last_taken_ = 0;   // of the peer's own,
  std::uint64_t last_echoed_ = 0;  // of our own that came back
  std::map<DatagramId, DatagramFate> fates_;
  std::set<DatagramId> unsent_datagrams_;
  std::vector<StreamActor*> streams_;
};

class StreamActor final : public StreamHandler {
 public:
  explicit StreamActor(Actor& actor) : actor_(actor), consumes_(actor.random(3) == 0) {}

  /// Before anything is called.
  void begin(Stream& stream) { stream_ = &stream; }
  /// The session has ended before on_stream returned it.
  void set_late() { is_late_ = true; }
  void step();
  void consume_all() { consume(unconsumed_); }

  [[nodiscard]] bool consumes() const override { return consumes_; }
  void on_data(Stream& stream, ByteView data, bool fin) override;
  void on_reset(Stream& stream, std::uint32_t code) override;
  void on_stop(Stream& stream, std::uint32_t code) override;
  void on_writable(Stream& stream) override;
  void on_close(Stream& stream) override;

 private:
  void write(std::size_t size, bool fin);
  void consume(std::size_t size);
  void set_awaits_writable(bool awaits);
  [[nodiscard]] bool can_write() const {
    return stream_->direction() == StreamDirection::bidirectional || !stream_->opened_by_peer();
  }

  Actor& actor_;
  const bool consumes_;
  Stream* stream_ = nullptr;
  std::uint64_t written_ = 0;
  std::uint64_t received_ = 0;
  std::size_t unconsumed_ = 0;
  bool write_ended_ = false;  // by an end, a reset or the peer
  bool read_ended_ = false;   // likewise
  bool stopped_ = false;      // by us
  bool awaits_writable_ = false;
  bool closed_ = false;
  bool is_late_ = false;
};

/// Around each callback.
class Actor::Scope {
 public:
  Scope(Actor& actor, const char* name, bool may_be_inside_abort = false, bool may_be_late = false) : actor_(actor) {
    if (actor.closed_ && !may_be_late) actor.fail(std::string{name} + " after on_close");
    if (!actor.opened_) actor.fail(std::string{name} + " before on_open");
    if (actor.thread_ != std::this_thread::get_id()) actor.fail(std::string{name} + " on another thread");
    const bool may_nest = may_be_inside_abort && actor.aborting_;
    if (actor.depth_ > 0 && !may_nest) actor.fail(std::string{name} + " inside another callback");
    ++actor.depth_;
  }
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;
  ~Scope() { --actor_.depth_; }

 private:
  Actor& actor_;
};

}  // namespace plait::test
