#include "transport/broadcast_log.hpp"

#include <algorithm>
#include <cstring>

#include "ws/frame.hpp"

namespace plait::transport {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{64} << 10;

}  // namespace

ByteView BroadcastLog::append(const Message& message) {
  make_room(ws::kFrameHeaderBytesMax + message.size());
  message.block()->retain();
  forget_newest();
  source_ = message.block();
  source_data_ = message.data().data();
  source_bytes_ = message.size();
  source_kind_ = message.kind();
  return frame_ = encode(message);
}

const Bytes& BroadcastLog::append(const MessageBurst& burst) {
  make_room(burst.size() * ws::kFrameHeaderBytesMax + burst.payload_bytes());
  const std::uint8_t* const begin = block_->data() + used_;
  std::size_t size = 0;
  for (std::size_t i = 0; i < burst.size(); ++i) size += encode(burst[i]).size();
  return burst.frames(this) = Bytes::share(*block_, {begin, size});
}

void BroadcastLog::make_room(std::size_t size) {
  if (block_ != nullptr && size <= block_->capacity - used_) return;
  forget_newest();  // its frame is not in the new block
  if (block_ != nullptr) block_->release();
  block_ = pool_.take(std::max(size, kBlockBytes));
  used_ = 0;
}

ByteView BroadcastLog::encode(const Message& message) {
  std::uint8_t* const begin = block_->data() + used_;
  const ws::Opcode opcode = message.kind() == MessageKind::text ? ws::Opcode::text : ws::Opcode::binary;
  const std::size_t header = ws::encode_frame_header(begin, opcode, true, false, message.size(), nullptr);
  if (message.size() > 0) std::memcpy(begin + header, message.data().data(), message.size());
  used_ += header + message.size();
  return {begin, header + message.size()};
}

void BroadcastLog::forget_newest() {
  if (source_ != nullptr) source_->release();
  source_ = nullptr;
}

void BroadcastLog::clear() {
  forget_newest();
  if (block_ != nullptr) block_->release();
}

}  // namespace plait::transport
