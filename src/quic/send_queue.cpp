#include "quic/send_queue.hpp"

#include <algorithm>
#include <utility>

#include "quic/native.hpp"

namespace plait::quic {

void SendQueue::push(Bytes data, bool fin) {
  if (!data.empty()) {
    end_ += data.size();
    chunks_.push_back(std::move(data));
  }
  fin_ = fin_ || fin;
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
}

void SendQueue::clear() {
  chunks_.clear();
  first_ = acked_ = sent_ = end_;
  unsent_chunk_ = 0;
  unsent_in_chunk_ = 0;
  fin_ = fin_sent_ = true;
}

}  // namespace plait::quic
