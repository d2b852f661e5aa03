#include "quic/send_queue.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "quic/native.hpp"

namespace plait::quic {

void SendQueue::push(Bytes data, bool fin) {
  fin_ = fin_ || fin;
  if (data.empty()) return;
  end_ += data.size();
  if (append_to_tail(data)) return;
  chunks_.push_back(std::move(data));
  tail_bytes_ = 0;
}

// A block is freed when all in it is acknowledged, never moved: ngtcp2 keeps pointers into it until then. What stands
// alone stays where it is, as does the header of a message that is not copied itself.
bool SendQueue::append_to_tail(const Bytes& data) {
  if (data.size() >= kCopiedBytesMax || chunks_.empty()) return false;
  const Bytes& last = chunks_.back();
  if (tail_bytes_ == 0 && last.size() >= kCopiedBytesMax) return false;
  if (tail_bytes_ >= last.size() + data.size()) {
    std::memcpy(last.block()->data() + last.size(), data.data(), data.size());
    lengthen_last(Bytes::share(*last.block(), {last.data(), last.size() + data.size()}));
    return true;
  }
  tail_bytes_ = static_cast<std::uint16_t>(std::clamp(std::size_t{2} * tail_bytes_, kCopiedBytesMax, kTailBytesMax));
  Block* block = Block::make(tail_bytes_);
  std::memcpy(block->data(), data.data(), data.size());
  chunks_.push_back(Bytes::share(*block, {block->data(), data.size()}));
  block->release();
  return true;
}

void SendQueue::lengthen_last(Bytes data) {
  if (unsent_chunk_ == chunks_.size()) {  // all was sent
    --unsent_chunk_;
    unsent_in_chunk_ = chunks_.back().size();
  }
  chunks_.back() = std::move(data);
}

SendQueue::Gathered SendQueue::gather(std::span<ngtcp2_vec> pieces, std::size_t bytes_max) const {
  Gathered gathered;
  std::size_t skip = unsent_in_chunk_;
  for (std::size_t i = unsent_chunk_; i < chunks_.size() && gathered.piece_count < pieces.size(); ++i) {
    if (gathered.bytes >= bytes_max) break;
    pieces[gathered.piece_count++] = vector_of(chunks_[i].view().subspan(skip));
    gathered.bytes += chunks_[i].size() - skip;
    skip = 0;
  }
  gathered.fin = fin_ && sent_ + gathered.bytes == end_;
  return gathered;
}

void SendQueue::mark_sent(const Gathered& gathered, std::size_t bytes) {
  sent_ += bytes;
  if (gathered.fin && bytes == gathered.bytes) fin_sent_ = true;
  bytes += unsent_in_chunk_;
  while (unsent_chunk_ < chunks_.size() && bytes >= chunks_[unsent_chunk_].size()) {
    bytes -= chunks_[unsent_chunk_++].size();
  }
  unsent_in_chunk_ = bytes;
}

void SendQueue::mark_acked(std::uint64_t offset) {
  acked_ = std::clamp(offset, acked_, sent_);
  while (!chunks_.empty() && first_ + chunks_.front().size() <= acked_) {
    first_ += chunks_.front().size();
    chunks_.pop_front();
    --unsent_chunk_;  // what is acknowledged was sent, so it lies behind
  }
  if (chunks_.empty()) tail_bytes_ = 0;
}

void SendQueue::clear() {
  chunks_.clear();
  first_ = acked_ = sent_ = end_;
  unsent_chunk_ = 0;
  unsent_in_chunk_ = 0;
  tail_bytes_ = 0;
  fin_ = fin_sent_ = true;
}

}  // namespace plait::quic
