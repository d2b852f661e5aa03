#include "quic/send_queue.hpp"

#include <algorithm>
#include <utility>

#include "quic/native.hpp"

namespace plait::quic {

// ngtcp2 keeps pointers into what is not acknowledged.
void SendQueue::push(Bytes data, bool fin) {
  fin_ = fin_ || fin;
  if (data.empty()) return;
  end_ += data.size();
  auto joined = chunks_.empty() ? std::nullopt : tail_.join(chunks_.back(), data.view());
  if (!joined) {
    tail_.leave();
    chunks_.push_back(std::move(data));
  } else if (joined->replaces_last) {
    lengthen_last(std::move(joined->piece));
  } else {
    chunks_.push_back(std::move(joined->piece));
  }
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
  if (chunks_.empty()) tail_.leave();
}

void SendQueue::clear() {
  chunks_.clear();
  first_ = acked_ = sent_ = end_;
  unsent_chunk_ = 0;
  unsent_in_chunk_ = 0;
  tail_.leave();
  fin_ = fin_sent_ = true;
}

}  // namespace plait::quic
