// SendQueue: what was written to a stream and is not acknowledged yet. Keeps the Bytes; copies only small ones that
// wait behind other small ones.
#pragma once

#include <ngtcp2/ngtcp2.h>
#include <plait/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/tail_block.hpp"
#include "quic/fifo.hpp"

namespace plait::quic {

class SendQueue {
 public:
  void push(Bytes data, bool fin);
  /// The next bytes to send, in order: as many pieces as fit in `pieces`, and no more once they have `bytes_max`.
  struct Gathered {
    std::size_t piece_count = 0;
    std::size_t bytes = 0;
    bool fin = false;  ///< they are the last ones, or the end alone
  };
  Gathered gather(std::span<ngtcp2_vec> pieces, std::size_t bytes_max) const;
  /// `bytes` of what gather() gave are on their way; with the end, if it was given and they were all.
  void mark_sent(const Gathered& gathered, std::size_t bytes);
  /// All below `offset` has arrived: their Bytes are let go. Never more than was sent.
  void mark_acked(std::uint64_t offset);
  /// Forgets everything.
  void clear();

  [[nodiscard]] bool has_sent() const { return sent_ > 0 || fin_sent_; }
  [[nodiscard]] bool has_unsent() const { return sent_ < end_ || (fin_ && !fin_sent_); }
  [[nodiscard]] bool has_unsent_bytes() const { return sent_ < end_; }
  [[nodiscard]] bool ended() const { return fin_; }
  /// All bytes up to the end are acknowledged, and the end was sent.
  [[nodiscard]] bool has_arrived() const { return fin_sent_ && acked_ == end_; }
  [[nodiscard]] std::uint64_t buffered_bytes() const { return end_ - acked_; }
  [[nodiscard]] std::uint64_t unsent_bytes() const { return end_ - sent_; }
  [[nodiscard]] std::uint64_t unacknowledged_bytes() const { return sent_ - acked_; }
  [[nodiscard]] std::uint64_t acked_offset() const { return acked_; }

 private:
  /// The last chunk of `chunks_` becomes `data`, which is the same and more.
  void lengthen_last(Bytes data);

  Fifo<Bytes> chunks_;
  std::uint64_t first_ = 0;  // offset of the front chunk
  std::uint64_t acked_ = 0;  // first_ <= acked_ <= sent_ <= end_
  std::uint64_t sent_ = 0;   //
  std::uint64_t end_ = 0;    //
  std::size_t unsent_in_chunk_ = 0;
  std::uint32_t unsent_chunk_ = 0;  // where sent_ lies
  core::TailBlock tail_;            // of the last chunk
  bool fin_ = false;
  bool fin_sent_ = false;
};

}  // namespace plait::quic
