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

#include <cstdint>
#include <memory>
#include <string_view>

#include "codec/utf8.hpp"
#include "core/buffer_pool.hpp"
#include "ws/error.hpp"
#include "ws/frame.hpp"

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
  bool last = true;                         ///< part only: ends the message
  Message::Storage storage = Message::Storage::receive_buffer;  ///< of payload, for messages and parts
  Error error{};
  std::uint16_t close_code = 0;
  ByteView payload;        ///< valid until the next call
  Block* block = nullptr;  ///< with Storage::block: the block `payload` lies in; the decoder holds a reference until the next call
};

class Decoder {
 public:
  /// Payloads at least this large are gathered in a block instead of waiting in the caller's buffer.
  static constexpr std::size_t kDirectBytes = 4096;

  struct Options {
    Role role = Role::server;       ///< a server requires masked frames, a client forbids them (RFC 6455 §5.1)
    bool parts = false;             ///< report parts instead of messages; message_bytes_max does not apply then
    codec::Inflater* inflater = nullptr;  ///< permessage-deflate was negotiated; outlives the decoder
  };

  /// `limits` and `pool` outlive the decoder.
  Decoder(const Options& options, const Limits& limits, core::BufferPool& pool);
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  ~Decoder();

  /// The next event; removes from the front of `input` what was used up. Unmasks in place.
  Event next(MutableByteView& input);

  /// The free part of the block of the message under way; empty if there is none. Never larger than what is missing of
  /// the current frame's payload. Valid until the next call.
  [[nodiscard]] MutableByteView direct_buffer();
  /// `count` bytes were read into direct_buffer(). Then call next(), also with an empty input.
  void commit_direct(std::size_t count);
};

}  // namespace plait::ws
