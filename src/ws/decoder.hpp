// Decoder: the receiving half of RFC 6455, bytes in, events out. No socket, clock or random source.
//
// The caller reads from its socket into a buffer and calls next() until it answers `need_more`. Whole frames are
// unmasked and reported where they stand in that buffer; nothing is copied or allocated for them. When a message does
// not fit (its rest is still to come and it is at least kDirectBytes, or it is fragmented or compressed), the decoder
// gathers it in one block; direct_buffer() is then the free part of that block, so that the caller can read the next
// bytes straight into it and call commit_direct(). A smaller rest stays in `input` for the caller to keep.
#pragma once

#include <plait/bytes.hpp>
#include <plait/limits.hpp>
#include <plait/session.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

#include "codec/utf8.hpp"
#include "core/buffer_pool.hpp"
#include "ws/error.hpp"
#include "ws/frame.hpp"
#include "ws/mask.hpp"

namespace plait::codec {
class Inflater;
}

namespace plait::ws {

/// What next() found.
struct Event {
  enum class Kind : std::uint8_t {
    need_more,  ///< nothing whole in `input`; what is left there must be presented again, with more behind it
    message,    ///< a whole message (only without parts)
    part,       ///< some payload of a message (only with parts)
    ping,       ///< payload: to be sent back as a pong
    pong,       ///< payload: of the ping it answers
    close,      ///< close_code (1005 if none) and payload = reason; nothing follows
    failed,     ///< `error`: fail the connection; nothing follows
  };
  Kind kind = Kind::need_more;
  MessageKind message_kind = MessageKind::text;
  bool last = true;                                             ///< part only: ends the message
  Message::Storage storage = Message::Storage::receive_buffer;  ///< of payload, for messages and parts
  Error error{};
  std::uint16_t close_code = 0;
  ByteView payload;  ///< valid until the next call
  Block* block =
      nullptr;  ///< with Storage::block: the block `payload` lies in; the decoder holds a reference until the next call
};

class Decoder {
 public:
  /// Payloads at least this large are gathered in a block instead of waiting in the caller's buffer.
  static constexpr std::size_t kDirectBytes = 4096;

  struct Options {
    Role role = Role::server;             ///< a server requires masked frames, a client forbids them (RFC 6455 §5.1)
    bool parts = false;                   ///< report parts instead of messages; message_bytes_max does not apply then
    codec::Inflater* inflater = nullptr;  ///< permessage-deflate was negotiated; outlives the decoder
  };

  /// `limits` and `pool` outlive the decoder.
  Decoder(const Options& options, const Limits& limits, core::BufferPool& pool);
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  ~Decoder();

  /// The next event; removes from the front of `input` what was used up. Unmasks in place.
  Event next(MutableByteView& input);

  /// The hot path of next(): as long as `input` begins with a whole message of less than 64 KiB in one frame that
  /// breaks no rule, unmasks it to `place(MutableByteView payload)`, takes it off and calls
  /// `take(MessageKind, MutableByteView payload)`, which answers whether to go on. What it stops at is next()'s. A
  /// place is where the payload is, or before it: over its own frame's header and what has been used up already.
  template <class Place, class Take>
  void take_short_messages(MutableByteView& input, Place&& place, Take&& take);
  /// The place of a payload that is to stay where it is.
  static std::uint8_t* in_place(MutableByteView payload) { return payload.data(); }

  /// The free part of the block of the message under way; empty if there is none. Never larger than what is missing of
  /// the current frame's payload. Valid until the next call.
  [[nodiscard]] MutableByteView direct_buffer();
  /// Whether direct_buffer() may have room; a quick look.
  [[nodiscard]] bool is_inside_payload() const { return state_ == State::payload; }
  /// `count` bytes were read into direct_buffer(). Then call next(), also with an empty input.
  void commit_direct(std::size_t count);

 private:
  enum class State : std::uint8_t {
    header,   // a frame header is next
    payload,  // inside a data frame whose payload is taken as it comes
    ended,    // closed or failed
  };
  enum class Step : std::uint8_t { again, done };

  struct ShortMessage {
    MutableByteView payload;
    std::uint32_t masking_key;
    Opcode opcode;
  };
  struct ShortHeader {
    std::uint8_t mask_bit;
    std::size_t bytes;  // 2 more with a 16-bit length
  };
  [[nodiscard]] bool find_short_message(MutableByteView input, const ShortHeader& expected, ShortMessage& found) const;

  void report_whole(MutableByteView payload, std::uint32_t masking_key, Opcode opcode, Event& event);
  void take_steps(MutableByteView& input, Event& event);
  Step step(MutableByteView& input, Event& event);
  Step handle_header(MutableByteView& input, Event& event);
  Step handle_control_frame(const FrameHeader& header, MutableByteView& input, Event& event);
  Step handle_close(ByteView payload, Event& event);
  Step handle_data_frame(const FrameHeader& header, MutableByteView& input, Event& event);
  Step handle_whole_message(const FrameHeader& header, MutableByteView& input, Event& event);
  Step handle_payload(MutableByteView& input, Event& event);
  Step gather(MutableByteView& input, Event& event);
  Step report_part(MutableByteView& input, Event& event);
  Step inflate(MutableByteView& input, Event& event);

  [[nodiscard]] std::optional<Error> check_first_bytes(std::uint8_t first, std::uint8_t second) const;
  [[nodiscard]] std::optional<Error> check_rsv1(Opcode opcode) const;
  [[nodiscard]] std::optional<Error> check_sequence(Opcode opcode) const;
  [[nodiscard]] std::optional<Error> check_limits(const FrameHeader& header) const;

  void begin_frame(const FrameHeader& header);
  void advance(std::size_t count);
  void take_gathered(ByteView piece);
  [[nodiscard]] bool accept_text(ByteView piece, bool last);
  [[nodiscard]] std::size_t frame_bytes_in(MutableByteView input) const;

  Step pause_inflating();
  [[nodiscard]] MutableByteView inflate_room();
  [[nodiscard]] MutableByteView room(std::size_t wanted, std::size_t bound);
  void grow(std::size_t capacity);
  void drop_block();

  Step report_message(Event& event);
  Step report_block(Event& event, Event::Kind kind, bool last);
  Step fail(Error error, Event& event);

  const Limits& limits_;
  core::BufferPool& pool_;
  codec::Inflater* inflater_;
  Block* block_ = nullptr;  // what the message under way is gathered or inflated in
  std::size_t block_used_bytes_ = 0;
  std::uint64_t frame_bytes_left_ = 0;  // of the payload of the frame under way
  std::uint32_t masking_key_ = 0;       // rotated to the next byte of that payload
  std::uint32_t fragment_count_ = 0;
  codec::Utf8Validator utf8_;
  Role role_;
  bool parts_;
  State state_ = State::header;
  MessageKind message_kind_ = MessageKind::text;
  bool message_under_way_ = false;  // a frame without FIN came, or a frame is under way
  bool message_compressed_ = false;
  bool frame_fin_ = false;
  bool text_invalid_ = false;    // found by commit_direct() or take_short_messages(), told by next()
  bool block_reported_ = false;  // block_ belongs to the last event
};

inline bool Decoder::find_short_message(MutableByteView input, const ShortHeader& expected, ShortMessage& found) const {
  if (input.size() < kFrameHeaderBytesMax) return false;
  std::uint8_t* data = input.data();
  found.opcode = static_cast<Opcode>(data[0] ^ kFinBit);  // no other value if FIN is clear or an RSV bit set
  if (found.opcode != Opcode::text && found.opcode != Opcode::binary) return false;
  if ((data[1] & kMaskBit) != expected.mask_bit) return false;
  std::size_t length = data[1] & kLengthBits;
  std::size_t header_bytes = expected.bytes;
  if (length >= kLength16) {
    if (length == kLength64) return false;
    length = static_cast<std::size_t>(data[2] << 8 | data[3]);
    if (length < kLength16) return false;
    header_bytes += 2;
  }
  if (length > input.size() - header_bytes || length > limits_.message_bytes_max) return false;
  found.payload = {data + header_bytes, length};
  found.masking_key = 0;
  if (expected.mask_bit != 0) std::memcpy(&found.masking_key, data + header_bytes - 4, sizeof found.masking_key);
  return true;
}

template <class Place, class Take>
void Decoder::take_short_messages(MutableByteView& input, Place&& place, Take&& take) {
  if (state_ != State::header || message_under_way_ || block_reported_ || parts_) return;  // as it stays meanwhile
  const ShortHeader expected = role_ == Role::server ? ShortHeader{kMaskBit, 6} : ShortHeader{0, 2};
  ShortMessage found;
  while (find_short_message(input, expected, found)) {
    const MutableByteView payload{place(found.payload), found.payload.size()};
    mask_down(payload.data(), found.payload, found.masking_key);
    const bool text = found.opcode == Opcode::text;
    text_invalid_ = text && !codec::is_utf8(payload);
    if (text_invalid_) return;
    const auto used = static_cast<std::size_t>(found.payload.data() - input.data()) + found.payload.size();
    input = input.subspan(used);
    if (!take(text ? MessageKind::text : MessageKind::binary, payload)) return;
  }
}

}  // namespace plait::ws
