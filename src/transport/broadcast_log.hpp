// BroadcastLog: the frames of messages that go to many sessions of one loop, each built once, one behind the other.
//
// Without it a burst of 64 publications of 93 bytes to 1,000 subscribers writes 6 MB of copies that no cache holds.
// Here every session's output in the clear refers to the same frames, and because the frames of a burst are adjacent,
// a whole burst is one piece of it. Of single messages only the newest one's frame is looked up: it goes to all its
// subscribers before the next one is sent. A MessageBurst keeps its frames itself.
#pragma once

#include <plait/session.hpp>

#include "core/buffer_pool.hpp"
#include "transport/send_rules.hpp"

namespace plait::transport {

class BroadcastLog {
 public:
  /// Larger payloads are not copied here: they are written from where they are.
  static constexpr std::size_t kPayloadBytesMax = kReferenceBytesMin - 1;

  explicit BroadcastLog(core::BufferPool& pool) : pool_(pool) {}
  BroadcastLog(const BroadcastLog&) = delete;
  BroadcastLog& operator=(const BroadcastLog&) = delete;
  ~BroadcastLog() { clear(); }

  /// The unmasked, uncompressed WebSocket frame of `message`, which lies in a block and has at most kPayloadBytesMax
  /// bytes; it lies in block().
  ByteView frame_of(const Message& message) {
    const bool again = message.block() == source_ && message.data().data() == source_data_ &&
                       message.size() == source_bytes_ && message.kind() == source_kind_;
    return again ? frame_ : append(message);
  }
  /// The frames of all messages of `burst`, unmasked and uncompressed: made by the first call, one behind the other.
  const Bytes& frames_of(const MessageBurst& burst) {
    const Bytes& frames = burst.frames(this);
    return frames.empty() ? append(burst) : frames;
  }
  /// Valid after frame_of().
  [[nodiscard]] Block& block() const { return *block_; }

 private:
  ByteView append(const Message& message);
  const Bytes& append(const MessageBurst& burst);
  ByteView encode(const Message& message);
  void make_room(std::size_t size);
  void forget_newest();
  void clear();

  core::BufferPool& pool_;
  Block* block_ = nullptr;
  std::size_t used_ = 0;
  ByteView frame_;
  // Of the newest frame; the reference keeps its memory from being used for another message.
  Block* source_ = nullptr;
  const std::uint8_t* source_data_ = nullptr;
  std::size_t source_bytes_ = 0;
  MessageKind source_kind_ = MessageKind::text;
};

}  // namespace plait::transport
