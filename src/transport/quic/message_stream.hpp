// MessageStream: messages as frames (spec/frames.md) over one stream of a QUIC connection, both directions. What the
// stream is, the owner knows.
#pragma once

#include <plait/limits.hpp>
#include <plait/session.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "core/assert.hpp"
#include "core/buffer_pool.hpp"
#include "frames/decoder.hpp"

namespace plait::transport {

class MessageStream final : private MessageWriter {
 public:
  using StreamId = std::int64_t;

  /// The stream below and the session above.
  class Owner {
   public:
    virtual bool write(StreamId id, Bytes data, bool fin) = 0;
    /// Written and not acknowledged.
    [[nodiscard]] virtual std::size_t buffered_bytes(StreamId id) const = 0;
    /// Written and never sent.
    [[nodiscard]] virtual std::size_t unsent_bytes(StreamId id) const = 0;
    /// Calls handle_room() when what waits has been sent, too.
    virtual void tell_when_sent(StreamId id) = 0;
    virtual void consume(StreamId id, std::size_t bytes) = 0;

    /// `block` has the payload; none: it is nowhere that anyone may borrow it from.
    virtual void on_message(MessageKind kind, ByteView payload, Block* block) = 0;
    virtual void on_part(MessageKind kind, ByteView payload, bool last) = 0;
    /// Part of a message of ours; returns `status`, what became of it.
    virtual SendStatus count_part(SendStatus status, std::size_t bytes, bool last) = 0;
    /// As SessionHandler::on_writable.
    virtual void on_writable() = 0;
    virtual void on_framing_error(std::uint16_t code, std::string_view reason) = 0;
    virtual void on_peer_close(std::uint16_t code, std::string_view reason) = 0;
    /// The peer ended the stream, after all that was reported.
    virtual void on_end() = 0;

   protected:
    ~Owner() = default;
  };

  /// `stalls`: stop reading while the peer does not take what it has caused; for one side of a session only.
  MessageStream(Owner& owner, const Limits& limits, core::BufferPool& pool, bool stalls);

  /// Reports parts instead of messages (SessionHandler::wants_parts). Before anything comes.
  void report_parts(bool parts) {
    PLAIT_ASSERT(input_ == nullptr, "report_parts() comes before any data");
    parts_ = parts;
  }

  /// The stream is there. What was sent before goes out.
  void attach(StreamId id);
  [[nodiscard]] std::optional<StreamId> id() const { return id_; }
  /// The session is over: what came before is reported now, though the user has paused, or pauses, and though it waits
  /// for the peer to take what it has caused.
  void handle_end_of_session();
  /// The same: nothing is reported any more, and what is under way in parts stays as it is.
  void detach() { ended_ = shut_ = true; }
  /// The session is closing: what is under way in parts stays as it is.
  void stop_sending() { shut_ = true; }
  /// It is closing while the user wants no messages: they are read, as far as the peer's close, and not reported.
  void ignore_messages();

  void handle_data(ByteView data, bool fin);
  /// Reports what came while it was stopped, if it no longer is.
  void handle_kept();
  /// Some of the stream was acknowledged, or what waited has been sent.
  void handle_room();

  SendStatus send(const Message& message);
  MessageWriter* begin_message(MessageKind kind);
  /// A close frame, and the end of our side.
  void close(std::uint16_t code, std::string_view reason);
  /// After a pause handle_kept() is to follow.
  void set_paused(bool paused) { paused_ = paused; }
  [[nodiscard]] bool is_paused() const { return paused_; }
  /// What the peer has not acknowledged, and of that what has never been sent.
  [[nodiscard]] std::size_t buffered_bytes() const;
  [[nodiscard]] std::size_t unsent_bytes() const;

 private:
  SendStatus write(ByteView part) override;
  SendStatus finish() override;

  [[nodiscard]] bool is_stopped() const { return !over_ && (paused_ || stalled_); }
  bool admits(std::size_t size);
  void want_writable();
  SendStatus append(Bytes data);
  SendStatus send_part(ByteView part, bool last);
  void decode(ByteView& data);
  void handle_event(const frames::Event& event);
  void handle_ping(ByteView payload);
  void answer_waiting_ping();
  void handle_input(ByteView data, std::vector<std::uint8_t> block);
  void report_end();

  /// There once something has come: many sessions only send, or wait.
  struct Input {
    Input(bool parts, const Limits& limits, core::BufferPool& pool)
        : decoder({.parts = parts, .opening = false}, limits, pool) {}

    frames::Decoder decoder;
    std::vector<std::uint8_t> kept;  // not decoded: part of a frame, or what came while stopped
    std::size_t kept_offset = 0;     // where in it that begins
    Bytes waiting_pong;              // of the last ping that is not answered yet
  };
  Input& input();

  Owner& owner_;
  const Limits& limits_;
  core::BufferPool& pool_;
  std::unique_ptr<Input> input_;
  std::optional<StreamId> id_;
  std::vector<Bytes> early_;  // sent before there was a stream
  std::size_t early_bytes_ = 0;
  MessageKind part_kind_ = MessageKind::binary;
  const bool stalls_;
  bool parts_ = false;              // of the peer's messages are reported
  bool message_under_way_ = false;  // of ours, in parts
  bool paused_ = false;             // by the user
  bool stalled_ = false;            // by the backlog
  bool ignored_ = false;            // the peer's messages
  bool over_ = false;               // the session: neither of these stops anything
  bool wants_writable_ = false;
  bool fin_ = false;  // the peer's, not reported yet
  bool ended_ = false;
  bool shut_ = false;  // for the user's messages
};

}  // namespace plait::transport
