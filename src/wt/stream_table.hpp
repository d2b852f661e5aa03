// The streams of all sessions of a connection in one table, so that an event costs one look-up and a session without
// streams owns no table.
#pragma once

#include <plait/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>

#include "core/id_map.hpp"
#include "core/tail_block.hpp"
#include "h3/streams.hpp"

namespace plait::wt {

using h3::Direction;
using h3::StreamId;

class Session;

/// What was written while the peer's WT_MAX_DATA was used up.
struct SendQueue {
  void push(Bytes data);

  std::deque<Bytes> pieces;
  core::TailBlock tail{};  ///< of the last piece
  std::size_t bytes = 0;
  bool fin = false;
};

struct Stream {
  Session* session = nullptr;          ///< none: what arrives is dropped, until the stream is closed
  std::uint64_t sent_bytes = 0;        ///< without the header, what waits in `queue` not counted
  std::uint64_t received_bytes = 0;    ///< without the header
  std::uint64_t unconsumed_bytes = 0;  ///< reported, and consume() not called yet
  std::unique_ptr<SendQueue> queue{};  ///< only while something waits
  bool fin_written = false;
  bool sends = false;     ///< our sending side is open
  bool receives = false;  ///< the peer's sending side is open
  bool dropped = false;   ///< after our STOP_SENDING: what still arrives is used up at once
  bool refused = false;   ///< before its session was there: it counts, and nothing of it is reported
  bool local = false;     ///< we opened it
  bool closed = false;    ///< both sides are over; only consume() is awaited
};

using StreamTable = core::IdMap<StreamId, Stream>;

}  // namespace plait::wt
