// Stream: what a Connection keeps of one stream beside ngtcp2.
#pragma once

#include <cstdint>

#include "quic/gaps.hpp"
#include "quic/send_queue.hpp"
#include "quic/types.hpp"

namespace plait::quic {

struct Stream {
  StreamId id = 0;
  SendQueue queue;
  std::uint64_t unconsumed_bytes = 0;  ///< delivered, and the credit not given back
  std::uint64_t consumed_bytes = 0;    ///< the same, and ngtcp2 is to be told

  static constexpr std::uint64_t kUnknown = UINT64_MAX;
  std::uint64_t final_size_bytes = kUnknown;  ///< of what the peer sends, if a STREAM frame with FIN said it

  static constexpr std::uint64_t kNoReset = UINT64_MAX;
  std::uint64_t waiting_reset = kNoReset;  ///< its code, until something of the stream has left

  Gaps gaps;  ///< in what the peer sends

  std::uint64_t group = 0;  ///< with `order`: see SendSchedule
  std::int64_t order = 0;

  Stream* consumed_next = nullptr;  ///< among those with consumed_bytes
  Stream* acked_next = nullptr;     ///< among those of which more was acknowledged than the visitor knows
  Stream* list_next = nullptr;      ///< its place among the streams that have something to send
  Stream* list_previous = nullptr;

  // Flags are bits: an idle WebTransport session has three streams, or five if its peer opens those of QPACK.
  bool can_write : 1 = false;  ///< the direction is ours, and neither reset nor stopped
  bool can_read : 1 = false;   ///< neither reset nor stopped
  bool untold : 1 = false;     ///< the visitor does not know yet that the peer has opened it
  bool stopped : 1 = false;    ///< by us, and its final size is not told
  bool end_told : 1 = false;   ///< the same, and it is
  bool blocked : 1 = false;    ///< waits for the peer's credit
  bool closed : 1 = false;     ///< ngtcp2 knows it no more; only consume() is awaited
  bool acked : 1 = false;      ///< among those of acked_next
  bool tell_sent : 1 = false;  ///< the visitor waits until nothing of it waits
  bool listed : 1 = false;     ///< among those of list_next
};

}  // namespace plait::quic
