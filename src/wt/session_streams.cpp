// The streams of a session and the credit for their bytes (draft-ietf-webtrans-http3 §4, §5).
//
// Sending: while something waits in a queue the peer's credit is used up, so a stream that has one only appends to it.
// New credit goes to those that wait in turns, so that none keeps the others out.
#include <algorithm>
#include <utility>

#include "h3/capsule_type.hpp"
#include "wt/session.hpp"

namespace plait::wt {
namespace {

constexpr std::size_t kTurnBytes = 16384;

constexpr std::uint64_t max_streams_type(Direction direction) {
  return direction == Direction::bidirectional ? h3::capsule_type::kMaxStreamsBidi : h3::capsule_type::kMaxStreamsUni;
}
constexpr std::uint64_t streams_blocked_type(Direction direction) {
  return direction == Direction::bidirectional ? h3::capsule_type::kStreamsBlockedBidi
                                               : h3::capsule_type::kStreamsBlockedUni;
}

}  // namespace

Result<StreamId, OpenError> Session::open_stream(Direction direction) {
  if (!is_open()) return err(OpenError::closed);
  StreamCounts& counts = counts_of(direction);
  if (counts.opened >= counts.peer_limit) {
    send_blocked(streams_blocked_type(direction), counts.peer_limit, counts.blocked_at);
    context_.connection.await_webtransport_streams(direction);
    return err(OpenError::session_limit);
  }
  const auto id = context_.connection.open_webtransport_stream(direction, id_);
  if (!id) return err(id.error() == h3::SendError::stream_limit ? OpenError::connection_limit : OpenError::closed);
  ++counts.opened;
  ++stream_count_;
  context_.streams[*id] =
      Stream{.session = this, .sends = true, .receives = direction == Direction::bidirectional, .local = true};
  return *id;
}

void Session::handle_streams_available(Direction direction) {
  if (is_open()) visitor_.on_streams_available(direction);
}

// --- Sending --------------------------------------------------------------------------------------------------------

void SendQueue::push(Bytes data) {
  if (data.empty()) return;
  bytes += data.size();
  auto joined = pieces.empty() ? std::nullopt : tail.join(pieces.back(), data.view());
  if (!joined) {
    tail.leave();
    pieces.push_back(std::move(data));
  } else if (joined->replaces_last) {
    pieces.back() = std::move(joined->piece);
  } else {
    pieces.push_back(std::move(joined->piece));
  }
}

bool Session::write(StreamId id, Bytes data, bool fin) {
  Stream* stream = find(id);
  if (stream == nullptr || !stream->sends || stream->fin_written) return false;
  stream->fin_written = fin;
  if (stream->queue) {
    enqueue(id, *stream, std::move(data), fin);
    return true;
  }
  const std::uint64_t credit = peer_data_limit_ - sent_bytes_;
  if (data.size() <= credit) {
    if (!data.empty() || fin) send(id, *stream, std::move(data), fin);
    return true;
  }
  const auto front = static_cast<std::size_t>(credit);
  if (front > 0) send(id, *stream, data.slice(0, front), false);
  enqueue(id, *stream, data.slice(front, data.size() - front), fin);
  send_blocked(h3::capsule_type::kDataBlocked, peer_data_limit_, blocked_at_);
  return true;
}

void Session::send(StreamId id, Stream& stream, Bytes data, bool fin) {
  sent_bytes_ += data.size();
  stream.sent_bytes += data.size();
  context_.connection.send_unframed(id, std::move(data), fin);
}

void Session::enqueue(StreamId id, Stream& stream, Bytes data, bool fin) {
  if (!stream.queue) {
    stream.queue = std::make_unique<SendQueue>();
    blocked_.push_back(id);
  }
  stream.queue->fin = stream.queue->fin || fin;
  buffered_bytes_ += data.size();
  stream.queue->push(std::move(data));
}

// False while some of it still waits.
bool Session::flush_turn(StreamId id, Stream& stream) {
  SendQueue& queue = *stream.queue;
  std::size_t turn_bytes = kTurnBytes;
  while (!queue.pieces.empty()) {
    const std::uint64_t credit = peer_data_limit_ - sent_bytes_;
    Bytes& front = queue.pieces.front();
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>({credit, turn_bytes, front.size()}));
    if (count == 0) return false;
    Bytes piece = front.slice(0, count);
    front = front.slice(count, front.size() - count);
    if (front.empty()) queue.pieces.pop_front();
    turn_bytes -= count;
    queue.bytes -= count;
    buffered_bytes_ -= count;
    send(id, stream, std::move(piece), queue.fin && queue.pieces.empty());
  }
  stream.queue.reset();
  return true;
}

void Session::flush() {
  std::vector<StreamId> written;
  while (!blocked_.empty() && peer_data_limit_ > sent_bytes_) {
    const StreamId id = blocked_.front();
    blocked_.erase(blocked_.begin());
    if (flush_turn(id, *find(id))) {
      written.push_back(id);
    } else {
      blocked_.push_back(id);
    }
  }
  if (!blocked_.empty()) send_blocked(h3::capsule_type::kDataBlocked, peer_data_limit_, blocked_at_);
  for (const StreamId id : written) {
    const Stream* stream = find(id);
    if (stream != nullptr && stream->sends && !stream->queue) visitor_.on_stream_writable(id);
  }
}

std::size_t Session::buffered_bytes(StreamId id) const {
  const Stream* stream = find(id);
  return stream != nullptr && stream->queue ? stream->queue->bytes : 0;
}

void Session::end_sending(StreamId id, Stream& stream) {
  stream.sends = false;
  if (!stream.queue) return;
  buffered_bytes_ -= stream.queue->bytes;
  stream.queue.reset();
  blocked_.erase(std::find(blocked_.begin(), blocked_.end(), id));
}

void Session::reset(StreamId id, std::uint32_t application_code) {
  Stream* stream = find(id);
  if (stream == nullptr || !stream->sends) return;
  end_sending(id, *stream);
  context_.connection.reset(id, to_http_code(application_code));
}

void Session::handle_stop_sending(StreamId id, std::uint64_t error_code) {
  Stream* stream = find(id);
  if (stream == nullptr || !stream->sends) return;
  end_sending(id, *stream);
  visitor_.on_stop_sending(id, to_application_code(error_code));
}

void Session::handle_unsent(StreamId id, std::uint64_t bytes) {
  Stream* stream = find(id);
  if (stream == nullptr) return;
  bytes = std::min(bytes, stream->sent_bytes);
  stream->sent_bytes -= bytes;
  sent_bytes_ -= bytes;
  flush();
}

// --- Receiving ------------------------------------------------------------------------------------------------------

void Session::handle_stream(StreamId id, Direction direction, std::optional<std::uint64_t> stopped) {
  StreamCounts& counts = counts_of(direction);
  ++stream_count_;
  const bool sends = direction == Direction::bidirectional && !stopped;
  context_.streams[id] = Stream{.session = this, .sends = sends, .receives = true, .local = false};
  if (counts.peer_opened >= counts.local_limit) return fail(Error::stream_limit_exceeded);
  ++counts.peer_opened;
  visitor_.on_stream(id, direction);
  if (stopped && find(id) != nullptr) visitor_.on_stop_sending(id, to_application_code(*stopped));
}

void Session::handle_stream_data(StreamId id, Stream& stream, ByteView data, bool fin) {
  stream.received_bytes += data.size();
  stream.unconsumed_bytes += data.size();
  if (fin) stream.receives = false;
  if (!count_received(data.size())) return fail(Error::data_limit_exceeded);
  if (stream.dropped) return use_up(id, stream);
  visitor_.on_stream_data(id, data, fin);
}

void Session::handle_refused_stream(StreamId id, std::uint64_t received_bytes) {
  if (!is_open() || !count_refused(h3::direction_of(id), 1, received_bytes)) return;
  ++stream_count_;
  context_.streams[id] =
      Stream{.session = this, .received_bytes = received_bytes, .receives = true, .dropped = true, .refused = true};
}

void Session::handle_refused_ends(Direction direction, std::uint64_t streams, std::uint64_t received_bytes) {
  if (streams == 0 || !is_open() || !count_refused(direction, streams, received_bytes)) return;
  give_streams(direction, streams);
}

// False: the session has failed.
bool Session::count_refused(Direction direction, std::uint64_t streams, std::uint64_t bytes) {
  StreamCounts& counts = counts_of(direction);
  if (streams > counts.local_limit - counts.peer_opened) {
    fail(Error::stream_limit_exceeded);
  } else if (!count_received(bytes)) {
    fail(Error::data_limit_exceeded);
  } else {
    counts.peer_opened += streams;
    give_credit(bytes);
    return true;
  }
  return false;
}

// False: more than the peer may send.
bool Session::count_received(std::uint64_t bytes) {
  if (!context_.flow_control) return true;
  if (bytes > local_data_limit_ - received_bytes_) return false;
  received_bytes_ += bytes;
  return true;
}

void Session::consume(StreamId id, std::size_t bytes) {
  Stream* stream = find(id);
  if (stream == nullptr) return;
  bytes = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, stream->unconsumed_bytes));
  if (bytes == 0) return;
  stream->unconsumed_bytes -= bytes;
  context_.connection.consume(id, bytes);
  give_credit(bytes);
  if (stream->closed) erase_if_over(id);
}

void Session::use_up(StreamId id, Stream& stream) { consume(id, static_cast<std::size_t>(stream.unconsumed_bytes)); }

// A new limit when at most half of the credit is left.
void Session::give_credit(std::uint64_t bytes) {
  if (!context_.flow_control || !is_open() || bytes == 0) return;
  consumed_bytes_ += bytes;
  const std::uint64_t credit = context_.local.initial_data;
  if (local_data_limit_ - consumed_bytes_ > credit / 2) return;
  local_data_limit_ = consumed_bytes_ + credit;
  send_limit(h3::capsule_type::kMaxData, local_data_limit_);
}

void Session::stop_sending(StreamId id, std::uint32_t application_code) {
  Stream* stream = find(id);
  if (stream == nullptr || stream->dropped) return;
  stream->dropped = true;
  if (stream->receives) context_.connection.stop_sending(id, to_http_code(application_code));
  use_up(id, *stream);
}

void Session::handle_stream_reset(StreamId id, std::uint64_t error_code, std::optional<std::uint64_t> payload_bytes) {
  Stream* stream = find(id);
  if (stream == nullptr || !stream->receives) return;
  stream->receives = false;
  const std::uint64_t total_bytes = std::max(payload_bytes.value_or(0), stream->received_bytes);
  const std::uint64_t missing_bytes = total_bytes - stream->received_bytes;
  if (!count_received(missing_bytes)) return fail(Error::data_limit_exceeded);
  const bool reported = !std::exchange(stream->dropped, true);
  const std::uint64_t unconsumed_bytes = std::exchange(stream->unconsumed_bytes, 0);
  if (unconsumed_bytes > 0) context_.connection.consume(id, static_cast<std::size_t>(unconsumed_bytes));
  give_credit(missing_bytes + unconsumed_bytes);
  if (reported) visitor_.on_stream_reset(id, to_application_code(error_code));
}

void Session::handle_stream_closed(StreamId id) {
  Stream* stream = find(id);
  if (stream == nullptr) return;
  end_sending(id, *stream);
  stream->receives = false;
  stream->closed = true;
  const bool reported = !stream->refused;
  erase_if_over(id);
  if (reported) visitor_.on_stream_closed(id);
}

// A stream of the peer's makes place for another when it is over and all of it is consumed.
void Session::erase_if_over(StreamId id) {
  const auto found = context_.streams.find(id);
  if (!found->second.closed || found->second.unconsumed_bytes > 0) return;
  const bool local = found->second.local;
  context_.streams.erase(found);
  --stream_count_;
  if (!local) give_streams(h3::direction_of(id), 1);
}

// A new limit when at most half of the streams are left.
void Session::give_streams(Direction direction, std::uint64_t closed) {
  StreamCounts& counts = counts_of(direction);
  counts.peer_closed += closed;
  const std::uint64_t credit = initial_streams(context_.local, direction);
  if (!context_.flow_control || !is_open() || counts.local_limit - counts.peer_closed > credit / 2) return;
  counts.local_limit = counts.peer_closed + credit;
  send_limit(max_streams_type(direction), counts.local_limit);
}

}  // namespace plait::wt
