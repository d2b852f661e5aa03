#include "transport/broadcast_log.hpp"

#include <cstring>

#include "ws/frame.hpp"

namespace plait::transport {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{64} << 10;

}  // namespace

ByteView BroadcastLog::append(const Message& message) {
  if (block_ == nullptr || ws::kFrameHeaderBytesMax + message.size() > block_->capacity - used_) {
    if (block_ != nullptr) block_->release();
    block_ = pool_.take(kBlockBytes);
    used_ = 0;
  }
  message.block()->retain();
  if (source_ != nullptr) source_->release();
  source_ = message.block();
  source_data_ = message.data().data();
  source_bytes_ = message.size();
  source_kind_ = message.kind();

  std::uint8_t* const begin = block_->data() + used_;
  const ws::Opcode opcode = message.kind() == MessageKind::text ? ws::Opcode::text : ws::Opcode::binary;
  const std::size_t header = ws::encode_frame_header(begin, opcode, true, false, message.size(), nullptr);
  if (message.size() > 0) std::memcpy(begin + header, message.data().data(), message.size());
  frame_ = {begin, header + message.size()};
  used_ += frame_.size();
  return frame_;
}

void BroadcastLog::clear() {
  if (source_ != nullptr) source_->release();
  if (block_ != nullptr) block_->release();
}

}  // namespace plait::transport
