// Decoder: the receiving half of spec/frames.md, bytes in, events out. No socket, clock or random source.
//
// It is driven as ws::Decoder is: the caller reads into a buffer and calls next() until it answers `need_more`. Whole
// frames are reported where they stand in that buffer. A message that is not whole yet and is at least kDirectBytes, or
// that comes in parts, is gathered in one block; direct_buffer() is then the free part of that block, for reading
// straight into it. A smaller rest stays in `input` for the caller to keep.
#pragma once

#include <plait/bytes.hpp>
#include <plait/limits.hpp>
#include <plait/session.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

#include "codec/utf8.hpp"
#include "core/buffer_pool.hpp"
#include "frames/error.hpp"
#include "frames/frame.hpp"

namespace plait::frames {

/// What next() found.
struct Event {
  enum class Kind : std::uint8_t {
    need_more,  ///< nothing whole in `input`; what is left there must be presented again, with more behind it
    open,       ///< payload: for decode_open_request or decode_open_response; always the first event, and only that
    message,    ///< a whole message (only without parts)
    part,       ///< some payload of a message (only with parts)
    ping,       ///< payload: to be sent back as a pong
    pong,       ///< payload: of the ping it answers
    close,      ///< close_code (1005 if none) and payload = reason; nothing follows
    failed,     ///< `error`: close with close_code_of(error); nothing follows
  };
  Kind kind = Kind::need_more;
  MessageKind message_kind = MessageKind::text;
  bool last = true;                                             ///< part only: ends the message
  Message::Storage storage = Message::Storage::receive_buffer;  ///< of payload, for messages and parts
  Error error{};
  std::uint16_t close_code = 0;
  ByteView payload;        ///< valid until the next call
  Block* block = nullptr;  ///< with Storage::block: what `payload` lies in; held until the next call
};

class Decoder {
 public:
  /// Payloads at least this large are gathered in a block instead of waiting in the caller's buffer.
  static constexpr std::size_t kDirectBytes = 4096;

  struct Options {
    bool parts = false;   ///< report parts instead of messages; the limits on messages do not apply then
    bool opening = true;  ///< begins with an open frame; not where HTTP has opened the session
  };

  /// `limits` and `pool` outlive the decoder.
  Decoder(const Options& options, const Limits& limits, core::BufferPool& pool);
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  ~Decoder();

  /// Changes Options::parts between messages: who handles the session is known only after its open frame.
  void report_parts(bool parts) { options_.parts = parts; }

  /// The next event; removes from the front of `input` what was used up. After close or failed: always need_more, and
  /// `input` is emptied.
  Event next(ByteView& input);

  /// The free part of the block of the message under way, at most what its current frame still lacks; empty if there is
  /// none. Valid until the next call.
  [[nodiscard]] MutableByteView direct_buffer();
  /// Whether direct_buffer() may have room; a quick look.
  [[nodiscard]] bool is_inside_payload() const { return in_data_; }
  /// `count` bytes were read into direct_buffer(). Then call next(), also with an empty input.
  void commit_direct(std::size_t count);

 private:
  enum class State : std::uint8_t { opening, open, ended };

  std::optional<Event> step(ByteView& input);
  [[nodiscard]] std::optional<Error> check_head(const FrameHead& head) const;
  std::optional<Event> take_small(const FrameHead& head, ByteView& input);
  Event close_event(ByteView payload);
  std::optional<Event> begin_part(FrameHead head, ByteView& input);
  std::optional<Event> begin_data(MessageKind kind, bool last, const FrameHead& head, ByteView& input);
  std::optional<Event> continue_data(ByteView& input);
  Event part_event(ByteView data);
  Event message_event(ByteView data, Message::Storage storage);
  Event fail(Error error);
  void gather(std::size_t bytes);
  static void drop(Block*& block);

  Options options_;
  const Limits& limits_;
  core::BufferPool& pool_;

  State state_;
  bool in_message_ = false;  // between the parts of a message
  bool in_data_ = false;     // the current frame's data is still coming
  bool last_ = true;         // the current frame ends the message
  MessageKind kind_ = MessageKind::text;
  std::uint64_t data_left_ = 0;  // of the current frame
  std::size_t part_count_ = 0;
  codec::Utf8Validator utf8_;

  Block* gathered_ = nullptr;  // the message under way
  std::size_t gathered_bytes_ = 0;
  Block* reported_ = nullptr;  // of the last event
};

}  // namespace plait::frames
