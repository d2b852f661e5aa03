// What the owner asks of a connection.
#include <algorithm>
#include <utility>

#include "core/assert.hpp"
#include "core/varint.hpp"
#include "quic/connection_state.hpp"
#include "quic/endpoint_state.hpp"

namespace plait::quic {
namespace {

/// Who has so much to send on a stream sends in bulk: as many full packets as it takes until large ones are probed.
constexpr std::uint64_t kBulkBytes = Settings::kLargeProbesAfterUses * NGTCP2_MAX_UDP_PAYLOAD_SIZE;

bool is_local(const Connection::State& state, StreamId id) { return is_opened_by_server(id) == state.is_server; }

bool is_open(const Connection::State& state) {
  return state.phase == Connection::State::Phase::open && !state.close_requested;
}

/// Bytes of a 1-RTT packet around one QUIC DATAGRAM frame: flags, connection ID, packet number, tag.
std::size_t packet_overhead_bytes(ngtcp2_conn* conn) {
  constexpr std::size_t kPacketNumberBytesMax = 4;
  return 1 + ngtcp2_conn_get_dcid(conn)->datalen + kPacketNumberBytesMax + kTagBytes;
}

/// The payload that fits into `room` behind the frame's type and length.
std::size_t frame_payload_bytes(std::size_t room) {
  for (const std::size_t length_bytes : {1U, 2U, 4U}) {
    if (room < 1 + length_bytes) return 0;
    const std::size_t payload = room - 1 - length_bytes;
    if (core::varint_size(payload) <= length_bytes) return payload;
  }
  return 0;
}

}  // namespace

// --- Connection::State ----------------------------------------------------------------------------------------------

Stream* Connection::State::find(StreamId id) {
  const auto found = streams.find(id);
  return found == streams.end() ? nullptr : &found->second;
}

Stream& Connection::State::add_stream(StreamId id) {
  Stream& stream = streams[id];
  stream.id = id;
  const bool both = direction_of(id) == Direction::bidirectional;
  stream.can_write = both || is_local(*this, id);
  stream.can_read = both || !is_local(*this, id);
  return stream;
}

void Connection::State::drop_writing(Stream& stream) {
  stream.can_write = false;
  unacknowledged_bytes -= stream.queue.unacknowledged_bytes();
  stream.queue.clear();
  writable.remove(stream);
}

void Connection::State::retire(Stream& stream) {
  writable.remove(stream);
  const StreamId id = stream.id;
  if (conn && !is_local(*this, id)) {
    if (direction_of(id) == Direction::bidirectional) {
      ngtcp2_conn_extend_max_streams_bidi(conn.get(), 1);
    } else {
      ngtcp2_conn_extend_max_streams_uni(conn.get(), 1);
    }
  }
  retired.push_back(streams.extract(id));
}

void Connection::State::want_transmit() { endpoint.mark_ready(*this); }

void Connection::State::note_fate(DatagramId id, DatagramFate fate) {
  if (id != kUnnamed) fates.emplace_back(id, fate);
}

void Connection::State::report_sent() {
  for (const StreamId id : std::exchange(sent, {})) {
    if (is_live()) visitor->on_stream_sent(id);
  }
}

// What the visitor drops by sending more meanwhile waits for the next call, or one that answers `dropped` with another
// datagram would go round for ever.
void Connection::State::report_fates() {
  for (const auto& [id, fate] : std::exchange(fates, {})) {
    if (is_live()) visitor->on_datagram_fate(id, fate);
  }
}

// Not where the peer has all of it (RFC 9000 §3.5).
void Connection::State::report_stop_sending() {
  for (const auto& [id, code] : std::exchange(scan.stop_sending(), {})) {
    Stream* stream = find(id);
    if (stream == nullptr || stream->closed || !stream->can_write || stream->queue.has_arrived()) continue;
    stream->can_write = false;
    if (is_live()) visitor->on_stream_stopped(id, code);  // which may ask what was not sent
    drop_writing(*stream);
    look_again(*stream);
  }
}

// The end of a stream may come before we stop it, and what is in front of the end after that.
void Connection::State::note_ends() {
  for (const auto& [id, final_size] : std::exchange(scan.ends(), {})) {
    Stream* stream = find(id);
    if (stream == nullptr || stream->closed) continue;
    stream->final_size_bytes = final_size;
    report_stopped_end(*stream);
    if (stream->end_told) close_if_over(*stream);
  }
}

void Connection::State::look_again(const Stream& stream) {
  if (stream.final_size_bytes == Stream::kUnknown) return;
  scan.ends().push_back({stream.id, stream.final_size_bytes});
}

// While a packet is handled: the ends of streams that only its later frames open are kept.
void Connection::State::note_end(Stream& stream) {
  const auto end = std::ranges::find(scan.ends(), stream.id, &FrameScan::StreamEnd::id);
  if (end != scan.ends().end()) stream.final_size_bytes = end->final_size_bytes;
  report_stopped_end(stream);
}

// Behind ngtcp2, which has delivered what it could by now. A stream that is not read any more gets no new gaps.
void Connection::State::note_short_frames() {
  constexpr std::size_t kKeptMax = 64;
  std::vector<FrameScan::ShortFrame>& frames = scan.short_frames();
  for (const auto& [id, offset, end] : frames) {
    Stream* stream = find(id);
    if (stream == nullptr || !stream->can_read) continue;
    gap_count -= stream->gaps.count();
    stream->gaps.handle_frame(offset, end);
    gap_count += stream->gaps.count();
  }
  if (frames.capacity() > kKeptMax) {
    std::vector<FrameScan::ShortFrame>{}.swap(frames);
  } else {
    frames.clear();
  }
}

void Connection::State::report_stopped_end(Stream& stream) {
  if (stream.final_size_bytes == Stream::kUnknown || !stream.stopped) return;
  stream.stopped = false;
  stream.end_told = true;
  if (is_live()) visitor->on_stopped_stream_end(stream.id, stream.final_size_bytes);
}

// ngtcp2 1.11 acknowledges what comes of a stopped stream behind a gap and then does not know that it came. So it waits
// for it for ever, unless the peer resets the stream, which one that has all acknowledged does not (RFC 9000 §3.1).
void Connection::State::close_if_over(Stream& stream) {
  if (stream.can_write && !stream.queue.has_arrived()) return;
  report_acked();
  counters.lost_packet_count += ngtcp2_conn_get_stream_loss_count(conn.get(), stream.id);
  close_before_ngtcp2(stream, std::nullopt);
}

void Connection::State::close_before_ngtcp2(Stream& stream, std::optional<std::uint64_t> code) {
  ngtcp2_conn_set_stream_user_data(conn.get(), stream.id, nullptr);
  ++unfreed_stream_count;
  close_stream(stream, code);
}

void Connection::State::close_stream(Stream& stream, std::optional<std::uint64_t> code) {
  const StreamId id = stream.id;
  give_credit_back();
  if (stream.stopped) note_end(stream);
  gap_count -= stream.gaps.fill(UINT64_MAX);
  stream.closed = true;
  drop_writing(stream);
  if (is_live()) visitor->on_stream_closed(id, code);
  Stream* left = find(id);  // consume() inside may have been the last thing awaited
  if (left != nullptr && left->unconsumed_bytes == 0) retire(*left);
}

// The visitor is told once for all the packets that acknowledged a part of it since the last time.
void Connection::State::note_acked(Stream& stream, std::uint64_t offset) {
  const std::uint64_t before = stream.queue.unacknowledged_bytes();
  stream.queue.mark_acked(offset);
  unacknowledged_bytes -= before - stream.queue.unacknowledged_bytes();
  if (stream.acked) return;
  stream.acked = true;
  stream.acked_next = std::exchange(acked, &stream);
}

// Those that the visitor retires meanwhile are freed after this (after_callbacks).
void Connection::State::report_acked() {
  while (acked != nullptr) {
    Stream& stream = *std::exchange(acked, acked->acked_next);
    stream.acked = false;
    if (is_live()) visitor->on_stream_acked(stream.id, stream.queue.acked_offset());
  }
}

// Once for all that was consumed since the last time: a stream is consumed packet by packet, while its peer is told at
// most once for half its credit.
void Connection::State::give_credit_back() {
  while (consumed != nullptr) {
    Stream& stream = *std::exchange(consumed, consumed->consumed_next);
    const std::uint64_t count = std::exchange(stream.consumed_bytes, 0);
    ngtcp2_conn_extend_max_offset(conn.get(), count);
    if (stream.can_read) ngtcp2_conn_extend_max_stream_offset(conn.get(), stream.id, count);
  }
}

// Never while a packet is read: ngtcp2 gives credit back for all that it has not delivered, and in a callback takes
// what it is about to deliver for delivered. Until then all that comes is dropped (on_stream_data).
void Connection::State::send_stops() {
  for (const auto& [id, code] : std::exchange(unsent_stops, {})) {
    ngtcp2_conn_shutdown_stream_read(conn.get(), 0, id, code);  // unknown if it has ended meanwhile
  }
}

// --- Connection -----------------------------------------------------------------------------------------------------

Connection::Connection(std::unique_ptr<State> state) : state_(std::move(state)) { state_->connection = this; }
Connection::~Connection() = default;

bool Connection::is_server() const { return state_->is_server; }
bool Connection::is_ready() const { return state_->ready; }
bool Connection::is_handshake_completed() const { return state_->handshake_completed; }
bool Connection::is_closed() const { return !is_open(*state_); }
std::string_view Connection::alpn() const { return state_->alpn; }

std::optional<ClientCertificate> Connection::client_certificate() const {
  const auto& shown = state_->client_certificate;
  return shown == nullptr ? std::nullopt : std::optional{*shown};
}
const Path& Connection::path() const { return state_->path; }
const Address& Connection::peer() const { return state_->peer; }

std::optional<StreamId> Connection::open(Direction direction) {
  if (!state_->ready || !is_open(*state_)) return std::nullopt;
  std::int64_t id = 0;
  ngtcp2_conn* conn = state_->conn.get();
  const int status = direction == Direction::bidirectional ? ngtcp2_conn_open_bidi_stream(conn, &id, nullptr)
                                                           : ngtcp2_conn_open_uni_stream(conn, &id, nullptr);
  if (status == NGTCP2_ERR_STREAM_ID_BLOCKED) await_streams(direction);
  if (status != 0) return std::nullopt;
  Stream& stream = state_->add_stream(id);
  ngtcp2_conn_set_stream_user_data(conn, id, &stream);
  return stream.id;
}

void Connection::await_streams(Direction direction) {
  (direction == Direction::bidirectional ? state_->awaits_bidi : state_->awaits_uni) = true;
  state_->want_transmit();  // the timers are to be exact from here on
}

bool Connection::write(StreamId id, Bytes data, bool fin) {
  Stream* stream = state_->find(id);
  if (!is_open(*state_) || stream == nullptr || !stream->can_write || stream->queue.ended()) return false;
  stream->queue.push(std::move(data), fin);
  if (!stream->queue.has_unsent()) return true;
  if (stream->queue.unsent_bytes() >= kBulkBytes) state_->wants_large_packets = true;
  if (!stream->blocked) state_->writable.push_back(*stream);
  state_->want_transmit();
  return true;
}

std::uint64_t Connection::buffered_bytes(StreamId id) const {
  const Stream* stream = state_->find(id);
  return stream == nullptr ? 0 : stream->queue.buffered_bytes();
}

std::uint64_t Connection::unsent_bytes(StreamId id) const {
  const Stream* stream = state_->find(id);
  return stream == nullptr ? 0 : stream->queue.unsent_bytes();
}

void Connection::tell_when_sent(StreamId id) {
  Stream* stream = state_->find(id);
  if (stream != nullptr && stream->queue.has_unsent_bytes()) stream->tell_sent = true;
}

void Connection::set_priority(StreamId id, std::uint64_t group, std::int64_t order) {
  Stream* stream = state_->find(id);
  if (stream != nullptr && is_open(*state_)) state_->writable.set_priority(*stream, group, order);
}

void Connection::reset(StreamId id, std::uint64_t code) {
  Stream* stream = state_->find(id);
  if (!is_open(*state_) || stream == nullptr || !stream->can_write || stream->closed) return;
  PLAIT_ASSERT(code <= core::kVarintMax, "a code is below 2^62");
  const bool is_early = direction_of(id) == Direction::unidirectional && !stream->queue.has_sent();
  state_->drop_writing(*stream);
  if (is_early) {
    stream->waiting_reset = code;
    state_->writable.push_back(*stream);
  } else {
    ngtcp2_conn_shutdown_stream_write(state_->conn.get(), 0, id, code);
  }
  state_->look_again(*stream);
  state_->want_transmit();
}

void Connection::stop_sending(StreamId id, std::uint64_t code) {
  Stream* stream = state_->find(id);
  if (!is_open(*state_) || stream == nullptr) return;
  PLAIT_ASSERT(code <= core::kVarintMax, "a code is below 2^62");
  const std::uint64_t unconsumed = stream->unconsumed_bytes;
  if (stream->can_read && !stream->closed) {
    stream->can_read = false;
    stream->stopped = true;
    state_->look_again(*stream);
    state_->unsent_stops.push_back({id, code});
  }
  consume(id, unconsumed);  // may retire the stream
  state_->want_transmit();
}

void Connection::consume(StreamId id, std::size_t size) {
  Stream* stream = state_->find(id);
  if (stream == nullptr || !state_->conn) return;
  const std::uint64_t count = std::min<std::uint64_t>(size, stream->unconsumed_bytes);
  if (count == 0) return;
  stream->unconsumed_bytes -= count;
  if (stream->closed) {
    ngtcp2_conn_extend_max_offset(state_->conn.get(), count);
    if (stream->unconsumed_bytes == 0) state_->retire(*stream);
    state_->want_transmit();
    return;
  }
  if (stream->consumed_bytes == 0) {
    stream->consumed_next = std::exchange(state_->consumed, stream);
    state_->want_transmit();
  }
  stream->consumed_bytes += count;
}

// Who needs large datagrams needs large packets, also if this one is refused.
Result<void, DatagramError> Connection::admit_datagram(std::size_t size) {
  if (!is_open(*state_)) return err(DatagramError::closed);
  if (size == 0) return err(DatagramError::empty);
  const std::size_t size_max = datagram_bytes_max();
  if (size_max == 0) return err(DatagramError::unsupported);
  if (size > size_max / 2 && !std::exchange(state_->wants_large_packets, true)) state_->want_transmit();
  if (size > size_max) return err(DatagramError::too_large);
  return {};
}

void Connection::queue_datagram(Bytes data, DatagramId id) {
  state_->count_towards_large_packets();
  state_->datagrams.push(id, std::move(data),
                         [this](DatagramId dropped) { state_->note_fate(dropped, DatagramFate::dropped); });
  state_->want_transmit();
}

Result<void, DatagramError> Connection::send_datagram(ByteView data, DatagramId id) {
  auto admitted = admit_datagram(data.size());
  if (admitted) queue_datagram(Bytes::copy_of(data), id);
  return admitted;
}

Result<void, DatagramError> Connection::send_datagram(Bytes data, DatagramId id) {
  auto admitted = admit_datagram(data.size());
  if (admitted) queue_datagram(std::move(data), id);
  return admitted;
}

std::size_t Connection::datagram_bytes_max() const {
  if (!state_->ready || !state_->conn) return 0;
  ngtcp2_conn* conn = state_->conn.get();
  const ngtcp2_transport_params* peer = ngtcp2_conn_get_remote_transport_params(conn);
  if (peer == nullptr || peer->max_datagram_frame_size == 0) return 0;
  const std::size_t packet = state_->path_payload_bytes_max() - packet_overhead_bytes(conn);
  return frame_payload_bytes(static_cast<std::size_t>(std::min<std::uint64_t>(packet, peer->max_datagram_frame_size)));
}

void Connection::close(std::uint64_t code, std::string_view reason) {
  if (!is_open(*state_)) return;
  PLAIT_ASSERT(code <= core::kVarintMax, "a code is below 2^62");
  constexpr std::size_t kReasonBytesMax = 1024;
  state_->request_close({CloseReason::Kind::local, code, std::string{reason.substr(0, kReasonBytesMax)}});
  state_->want_transmit();
}

bool Connection::migrate(const Path& path) {
  if (!is_open(*state_) || state_->is_server || !is_valid(path)) return false;
  const ngtcp2_path to = native(path);
  if (ngtcp2_conn_initiate_migration(state_->conn.get(), &to, state_->endpoint.now) != 0) return false;
  state_->want_transmit();
  return true;
}

bool Connection::update_keys() {
  if (!is_open(*state_) || !state_->handshake_completed) return false;
  if (ngtcp2_conn_initiate_key_update(state_->conn.get(), state_->endpoint.now) != 0) return false;
  state_->want_transmit();
  return true;
}

ConnectionStats Connection::stats() const {
  const State::Counters& counters = state_->counters;
  ConnectionStats stats{.sent_bytes = counters.sent_bytes,
                        .received_bytes = counters.received_bytes,
                        .sent_packet_count = counters.sent_packet_count,
                        .received_packet_count = counters.received_packet_count,
                        .lost_packet_count = counters.lost_packet_count};
  if (!state_->conn) return stats;
  ngtcp2_conn* conn = state_->conn.get();
  const ngtcp2_conn_info info = state_->native_info();
  stats.rtt = std::chrono::nanoseconds{info.smoothed_rtt};
  stats.congestion_window_bytes = info.cwnd;
  stats.in_flight_bytes = info.bytes_in_flight;
  stats.path_udp_payload_bytes_max = state_->path_payload_bytes_max();
  for (const auto& [id, stream] : state_->streams) {
    if (!stream.closed) stats.lost_packet_count += ngtcp2_conn_get_stream_loss_count(conn, id);
  }
  return stats;
}

}  // namespace plait::quic
