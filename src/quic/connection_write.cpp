// Packets of a connection: as many frames in each as there is room for (WRITE_MORE), streams in turn, QUIC DATAGRAM
// frames before or after them in turn; and packets of one size back to back, so that one system call sends them all.
#include <array>
#include <cstring>

#include "quic/connection_state.hpp"
#include "quic/endpoint_state.hpp"

namespace plait::quic {

/// Once a write has answered WRITE_MORE, ngtcp2 allows nothing but further writes into the same packet. So nothing here
/// calls the visitor, and the connection's credit is counted beside ngtcp2.
struct Connection::State::PacketUnderWay {
  ngtcp2_path* path;
  ngtcp2_pkt_info* info;
  MutableByteView out;
  NativeTime now;
  std::uint64_t credit;     // of the connection, and what it may have unacknowledged
  ngtcp2_ssize result = 0;  // when it is done: its size, 0 if nothing can be sent now, or an error
};

namespace {

constexpr std::size_t kPiecesMax = 16;

bool packet_goes_on(ngtcp2_ssize result) {
  return result == NGTCP2_ERR_WRITE_MORE || result == NGTCP2_ERR_STREAM_DATA_BLOCKED ||
         result == NGTCP2_ERR_STREAM_SHUT_WR || result == NGTCP2_ERR_STREAM_NOT_FOUND;
}

}  // namespace

// An empty frame, so that the stream does not begin with its reset (on_stream_reset). It ends the packet, since nothing
// but a write is allowed within one. A packet that has no place for it, such as a probe of the path, goes without it,
// and the next one is tried.
bool Connection::State::write_before_reset(PacketUnderWay& packet, Stream& stream) {
  ngtcp2_ssize written = -1;
  packet.result = ngtcp2_conn_writev_stream(conn.get(), packet.path, packet.info, packet.out.data(), packet.out.size(),
                                            &written, NGTCP2_WRITE_STREAM_FLAG_NONE, stream.id, nullptr, 0, packet.now);
  const bool has_begun = packet.result > 0 && written >= 0;
  if (has_begun) ngtcp2_conn_shutdown_stream_write(conn.get(), 0, stream.id, stream.waiting_reset);
  if (has_begun || packet.result < 0) writable.remove(stream);
  return packet_goes_on(packet.result);
}

// Whether the packet has room left.
bool Connection::State::write_stream(PacketUnderWay& packet, Stream& stream) {
  if (stream.waiting_reset != Stream::kNoReset) return write_before_reset(packet, stream);
  std::array<ngtcp2_vec, kPiecesMax> pieces;  // not initialized: made for each packet
  const SendQueue::Gathered gathered = stream.queue.gather(pieces, packet.out.size());
  const std::uint32_t flags =
      NGTCP2_WRITE_STREAM_FLAG_MORE | (gathered.fin ? NGTCP2_WRITE_STREAM_FLAG_FIN : NGTCP2_WRITE_STREAM_FLAG_NONE);
  ngtcp2_ssize written = -1;
  packet.result =
      ngtcp2_conn_writev_stream(conn.get(), packet.path, packet.info, packet.out.data(), packet.out.size(), &written,
                                flags, stream.id, pieces.data(), gathered.piece_count, packet.now);
  if (written >= 0) {
    stream.queue.mark_sent(gathered, static_cast<std::size_t>(written));
    unacknowledged_bytes += static_cast<std::uint64_t>(written);
    packet.credit -= std::min(packet.credit, static_cast<std::uint64_t>(written));
    if (stream.tell_sent && !stream.queue.has_unsent_bytes()) {
      stream.tell_sent = false;
      sent.push_back(stream.id);
    }
  }
  if (packet.result == NGTCP2_ERR_STREAM_DATA_BLOCKED) stream.blocked = true;
  if (packet.result == NGTCP2_ERR_STREAM_SHUT_WR || packet.result == NGTCP2_ERR_STREAM_NOT_FOUND) drop_writing(stream);
  if (stream.blocked || !stream.queue.has_unsent()) {
    writable.remove(stream);
  } else if (written >= 0 && stream.can_write) {
    writable.move_to_back(stream);
  }
  return packet_goes_on(packet.result);
}

bool Connection::State::write_streams(PacketUnderWay& packet) {
  for (std::size_t left = writable.size(); left > 0 && !writable.empty(); --left) {
    Stream& stream = writable.front();
    // Without credit of the connection ngtcp2 would call the stream blocked, and never say when it is not any more.
    if (stream.queue.has_unsent_bytes() && packet.credit == 0) {
      writable.move_to_back(stream);
      continue;
    }
    if (!write_stream(packet, stream)) return false;
  }
  return true;
}

bool Connection::State::write_datagrams(PacketUnderWay& packet) {
  while (!datagrams.empty()) {
    const DatagramQueue::Entry& entry = datagrams.front();
    const ngtcp2_vec vector = vector_of(entry.data.view());
    int accepted = 0;
    packet.result =
        ngtcp2_conn_writev_datagram(conn.get(), packet.path, packet.info, packet.out.data(), packet.out.size(),
                                    &accepted, NGTCP2_WRITE_DATAGRAM_FLAG_MORE, entry.id, &vector, 1, packet.now);
    if (accepted != 0) note_fate(datagrams.pop().id, DatagramFate::sent);
    if (packet.result != NGTCP2_ERR_WRITE_MORE) return false;
  }
  return true;
}

ngtcp2_ssize Connection::State::write_packet(ngtcp2_path* to, ngtcp2_pkt_info* info, MutableByteView out,
                                             NativeTime now) {
  const std::uint64_t kept_max = endpoint.config.settings.unacknowledged_bytes_max;
  const std::uint64_t room_to_keep = kept_max - std::min(kept_max, unacknowledged_bytes);
  PacketUnderWay packet{to, info, out, now, std::min(ngtcp2_conn_get_max_data_left(conn.get()), room_to_keep)};
  if (ready) {
    datagrams_first = !datagrams_first;
    const bool room = datagrams_first ? write_datagrams(packet) && write_streams(packet)
                                      : write_streams(packet) && write_datagrams(packet);
    if (!room) return packet.result;
  }
  return ngtcp2_conn_writev_stream(conn.get(), to, info, out.data(), out.size(), nullptr, NGTCP2_WRITE_STREAM_FLAG_NONE,
                                   -1, nullptr, 0, now);
}

// A datagram that is larger than the path allows would otherwise be refused for ever, with all behind it.
void Connection::State::purge_datagrams(NativeTime now) {
  if (datagrams.empty()) return;
  datagrams.purge(time_point(now), connection->datagram_bytes_max(),
                  [this](DatagramId id) { note_fate(id, DatagramFate::dropped); });
}

// Before any packet is begun, since this calls the visitor; what that sends leaves with this call.
void Connection::State::tell_before_packets(NativeTime now) {
  if (phase != Phase::open || !ready) return;
  purge_datagrams(now);
  if (fates.empty() && sent.empty()) return;
  report_fates();
  report_sent();
  endpoint.ready.remove(*this);
}

std::optional<Transmit> Connection::State::poll_close_packet(MutableByteView buffer) {
  if (!close_packet_due) return std::nullopt;
  close_packet_due = false;
  counters.sent_bytes += close_packet.size();
  ++counters.sent_packet_count;
  std::memcpy(buffer.data(), close_packet.data(), close_packet.size());
  return Transmit{path, close_packet.size(), close_packet.size(), close_ecn};
}

bool Connection::State::is_paced() const {
  const auto least = static_cast<std::uint64_t>(Settings::kPacedRttMin.count());
  const std::uint64_t rtt = native_info().min_rtt;
  return rtt != UINT64_MAX && rtt >= least;
}

// Only the first packet may be larger than the path is known to take: a probe, which goes alone. ngtcp2 sends it when
// there is room for it. It may fill the congestion window until it is lost, and what follows it is paced, so whatever
// waits goes before it: a first request, datagrams, for which time counts. Not for ever, or a queue that is never empty
// would keep packets small; then it is at most half as large as the window.
std::size_t Connection::State::first_packet_bytes_max(std::size_t full) {
  constexpr std::uint8_t kStreamsBeforeProbes = 1;  // batches: larger packets make up for the wait of the others
  constexpr std::uint8_t kDatagramsBeforeProbes = 16;
  const bool used = large_packet_uses > 0 || wants_large_packets;
  if (black_hole.found() || !used) return full;
  const bool others_wait = !datagrams.empty() || !writable.empty();
  if (others_wait && batches_before_probes < (datagrams.empty() ? kStreamsBeforeProbes : kDatagramsBeforeProbes)) {
    ++batches_before_probes;
    return full;
  }
  std::size_t probe = ngtcp2_conn_get_max_tx_udp_payload_size(conn.get());
  if (!wants_large_packets) probe = std::min(probe, Settings::kOrdinaryPayloadBytesMax);
  if (others_wait) probe = std::min<std::size_t>(probe, native_info().cwnd / 2);
  return std::max(probe, full);
}

// A handshake's datagrams, which begin with a long header, are padded; so are those that validate a path, which may
// begin the probes.
void Connection::State::count_packet(ByteView datagram, std::size_t full) {
  counters.sent_bytes += datagram.size();
  ++counters.sent_packet_count;
  const bool has_long_header = (datagram[0] & 0x80U) != 0;
  if (datagram.size() >= full && !has_long_header) count_towards_large_packets();
}

void Connection::State::count_towards_large_packets() {
  if (wants_large_packets) return;
  ++large_packet_uses;
  wants_large_packets = large_packet_uses >= Settings::kLargeProbesAfterUses;
}

std::optional<Transmit> Connection::State::poll_transmit(MutableByteView buffer, NativeTime now, bool& more) {
  more = false;
  tell_before_packets(now);
  after_callbacks(now);
  close_if_requested(now);
  if (phase != Phase::open) return poll_close_packet(buffer);

  give_credit_back();
  send_stops();
  const std::size_t full = path_payload_bytes_max();
  const std::size_t quantum = std::max(ngtcp2_conn_get_send_quantum(conn.get()), full);
  const std::size_t limit = std::min(Endpoint::kTransmitBytesMax, quantum);
  const std::size_t segments_max = endpoint.segmentation ? Endpoint::kTransmitSegmentsMax : 1;
  std::size_t room = first_packet_bytes_max(full);
  Transmit batch;
  std::size_t segments = 0;
  ngtcp2_path_storage first;
  ngtcp2_path_storage other;
  ngtcp2_path_storage_zero(&first);
  ngtcp2_path_storage_zero(&other);
  while (segments == 0 || (segments < segments_max && batch.size + room <= limit)) {
    ngtcp2_path& to = segments == 0 ? first.path : other.path;
    ngtcp2_pkt_info info{};
    const auto out = buffer.subspan(batch.size, room);
    const ngtcp2_ssize result = write_packet(&to, &info, out, now);
    if (result < 0) {
      fail(static_cast<int>(result), now);
      more = true;
      break;
    }
    more = result > 0;
    if (result == 0) break;
    const auto size = static_cast<std::size_t>(result);
    const auto ecn = static_cast<Ecn>(info.ecn & NGTCP2_ECN_MASK);
    count_packet(out.first(size), full);
    if (segments++ == 0) {
      batch = {path_of(to), size, size, ecn};
      if (size > full) break;
      room = full;
      continue;
    }
    if (size > batch.segment_bytes || ecn != batch.ecn || ngtcp2_path_eq(&to, &first.path) == 0) {
      endpoint.carry({path_of(to), size, size, ecn}, out.first(size));
      break;
    }
    batch.size += size;
    if (size < batch.segment_bytes) break;
  }
  if (segments > 0) heard_since_sent = heard_large_since_sent = false;
  if (phase == Phase::open) {
    if (is_paced()) ngtcp2_conn_update_pkt_tx_time(conn.get(), now);
    if (asked == kNever && native_info().bytes_in_flight > 0) asked = now;
    update_expiry();
    more = more || (segments > 0 && !(fates.empty() && sent.empty()));
  }
  if (segments > 0) return batch;
  return phase == Phase::open ? std::nullopt : poll_close_packet(buffer);
}

}  // namespace plait::quic
