// What comes in, what time does, and how a connection ends.
#include <algorithm>
#include <utility>

#include "quic/connection_state.hpp"
#include "quic/endpoint_state.hpp"

namespace plait::quic {
namespace {

constexpr std::uint8_t kLonePacketsOfIdle = 2;         // one after the other, from a peer that has no more to send
constexpr NativeTime kLingerMax = 5 * NGTCP2_SECONDS;  // the peer's max_ack_delay alone may be 16 seconds
constexpr std::size_t kEndsOfBusy = 8;                 // streams that end in one packet

NativeTime coarse(NativeTime time) {
  constexpr auto kStep = static_cast<NativeTime>(Settings::kTimerGranularity.count());
  return (time + kStep - 1) / kStep * kStep;
}

std::string name_of(int error) { return std::string{"the peer broke a rule of QUIC ("} + ngtcp2_strerror(error) + ")"; }

bool is_alert(std::uint64_t code) { return (code & ~std::uint64_t{0xff}) == NGTCP2_CRYPTO_ERROR; }

bool is_of_tls(const CloseReason& reason) {
  return reason.kind == CloseReason::Kind::tls ||
         (reason.kind == CloseReason::Kind::peer_transport && is_alert(reason.code));
}

CloseReason silence() {
  return {CloseReason::Kind::idle_timeout, 0, "nothing came from the peer for the idle timeout"};
}

CloseReason no_answer() {
  return {CloseReason::Kind::handshake_timeout, 0, "no answer: does the peer speak QUIC on this UDP port?"};
}

}  // namespace

void Connection::State::handle_datagram(const Path& from, ByteView datagram, Ecn ecn, NativeTime now) {
  counters.received_bytes += datagram.size();
  ++counters.received_packet_count;
  if (phase != Phase::open) {
    // Ever more rarely (RFC 9000 §10.2.1), and to an address that is not validated no more than §8.1 allows.
    const std::uint32_t count = ++late_packet_count;
    if (phase == Phase::closing && (count & (count - 1)) == 0 && may_repeat_close()) {
      close_packet_due = true;
      want_transmit();
    }
    return;
  }
  read_datagram(from, datagram, ecn, now);
}

// ngtcp2, which counts this, is gone by now.
bool Connection::State::may_repeat_close() const {
  if (!is_server || is_address_proven() || handshake_completed) return true;
  return counters.sent_bytes + close_packet.size() <= 3 * counters.received_bytes;
}

void Connection::State::read_datagram(const Path& from, ByteView datagram, Ecn ecn, NativeTime now) {
  const ngtcp2_path where = quic::native(from);
  const ngtcp2_pkt_info info{static_cast<std::uint8_t>(ecn)};
  const std::uint64_t in_flight = black_hole.suspects() ? native_info().bytes_in_flight : 0;
  const int status = ngtcp2_conn_read_pkt(conn.get(), &where, &info, datagram.data(), datagram.size(), now);
  if (status != 0) {
    fail(status, now);
  } else {
    if (black_hole.suspects() && native_info().bytes_in_flight < in_flight) black_hole.handle_acknowledgement();
    if (scan.take_heard()) note_heard(now);
    if (!scan.stop_sending().empty()) report_stop_sending();
    if (!scan.ends().empty()) note_ends();
    if (!scan.short_frames().empty()) note_short_frames();
  }
  endpoint.settle_after(*this);
}

void Connection::State::note_heard(NativeTime now) {
  heard = now;
  asked = kNever;
  const bool large = scan.take_heard_large();
  if (!scan.take_heard_eliciting()) return;
  heard_large_since_sent = large || heard_large_since_sent;
  const bool many_ends = scan.ends().size() >= kEndsOfBusy;
  if (many_ends || (heard_since_sent && heard_large_since_sent)) {
    lone_packets_awaited = kLonePacketsOfIdle;
  } else if (lone_packets_awaited > 0) {
    --lone_packets_awaited;
  }
  heard_since_sent = true;
}

void Connection::State::settle(NativeTime now) {
  if (phase == Phase::open) path = path_of(*ngtcp2_conn_get_path(conn.get()));
  after_callbacks(now);
  want_transmit();  // what is sent sets the expiry, once for all datagrams of a turn
}

void Connection::State::handle_expiry(NativeTime now) {
  if (phase != Phase::open) return bury();
  look_for_black_hole(now);
  const int status = ngtcp2_conn_handle_expiry(conn.get(), now);
  if (status != 0) {
    fail(status, now);
  } else if (now >= silence_deadline()) {
    ngtcp2_ccerr none;
    ngtcp2_ccerr_default(&none);
    send_close(none, silence(), now);
  }
  after_callbacks(now);
  if (phase == Phase::open) update_expiry();
  want_transmit();
}

void Connection::State::handle_refused(NativeTime now) {
  if (is_server || phase != Phase::open || counters.received_packet_count > 0) return;
  end(Phase::dead, {CloseReason::Kind::refused, 0, "nobody listens at this UDP port"}, now);
  after_callbacks(now);
}

ngtcp2_conn_info Connection::State::native_info() const {
  ngtcp2_conn_info info;
  ngtcp2_conn_get_conn_info(conn.get(), &info);
  return info;
}

void Connection::State::look_for_black_hole(NativeTime now) {
  if (path.remote.is_loopback() || native_info().bytes_in_flight == 0) return;
  black_hole.handle_expiry(time_point(now), std::chrono::nanoseconds{ngtcp2_conn_get_pto(conn.get())});
}

std::size_t Connection::State::path_payload_bytes_max() {
  return black_hole.payload_bytes_max(ngtcp2_conn_get_path_max_tx_udp_payload_size(conn.get()));
}

// The idle timer of RFC 9000 §10.1 begins anew with the first packet that is sent after one was received, so our own
// PING puts the end of a peer that is gone off by the time of its silence before that. It ends after one timeout of
// silence here, but not before the first unanswered packet had three PTOs; since that is earlier than agreed on, with
// a CONNECTION_CLOSE.
NativeTime Connection::State::silence_deadline() const {
  if (!handshake_completed || asked == kNever) return kNever;
  const auto own = static_cast<std::uint64_t>(endpoint.config.settings.idle_timeout.count());
  const std::uint64_t peers = ngtcp2_conn_get_remote_transport_params(conn.get())->max_idle_timeout;
  const std::uint64_t patience = 3 * ngtcp2_conn_get_pto(conn.get());
  const std::uint64_t timeout = std::max(peers == 0 ? own : std::min(own, peers), patience);
  return std::max(heard + timeout, asked + patience);
}

void Connection::State::update_expiry() {
  const NativeTime next = std::min(ngtcp2_conn_get_expiry(conn.get()), silence_deadline());
  if (next == kNever) return endpoint.expiries.remove(*this);
  endpoint.expiries.set(*this, needs_exact_timers() ? next : coarse(next));
}

// Who waits for more streams waits for its own acknowledgement of the last words on the old ones. A peer that has just
// sent several packets, a large one among them, may have more, and wait for our acknowledgement to send it, as may one
// that has just ended many streams for those to be closed; one packet alone is a message. What a handshake consists of
// is acknowledged at once by ngtcp2. Where packets are paced the eighth of a round trip is long enough for most
// answers, and pacing wants to be in time.
bool Connection::State::needs_exact_timers() const {
  return awaits_bidi || awaits_uni || lone_packets_awaited > 0 || is_paced();
}

// Once for all frames of a packet: each is a call of every session.
void Connection::State::report_more_streams() {
  if (std::exchange(more_bidi, false) && is_live()) visitor->on_more_streams(Direction::bidirectional);
  if (std::exchange(more_uni, false) && is_live()) visitor->on_more_streams(Direction::unidirectional);
}

void Connection::State::after_callbacks(NativeTime now) {
  report_acked();
  note_ends();
  report_more_streams();
  retired.clear();
  if (free_tls && conn) {
    free_tls = false;
    ngtcp2_conn_set_tls_native_handle(conn.get(), nullptr);
    session.reset();
    server_tls.reset();
  }
  if (phase != Phase::open) return;
  const char* excess = nullptr;
  if (!scan.within_rate(time_point(now))) excess = "the peer sends too many frames that cancel or carry nothing";
  if (gap_count > endpoint.config.settings.stream_gaps_max) excess = "the peer leaves too many gaps in its streams";
  if (unfreed_stream_count > endpoint.config.settings.unfreed_streams_max) {
    excess = "too many streams of the peer began with their reset, or ended behind a gap";
  }
  if (scan.crypto_gap_count() > endpoint.config.settings.crypto_gaps_max) {
    excess = "the peer leaves too many gaps in its handshake";
  }
  if (excess != nullptr && !close_requested) {
    request_close({CloseReason::Kind::protocol, NGTCP2_PROTOCOL_VIOLATION, excess});
  }
}

void Connection::State::request_close(CloseReason reason) {
  close_requested = std::make_unique<CloseReason>(std::move(reason));
}

// Only where packets are written, so that the visitor hears of the end when the packet that tells the peer leaves: who
// stops turning then has lost nothing.
void Connection::State::close_if_requested(NativeTime now) {
  if (phase != Phase::open || !close_requested) return;
  ngtcp2_ccerr error;
  ngtcp2_ccerr_default(&error);
  const auto* text = reinterpret_cast<const std::uint8_t*>(close_requested->reason.data());
  if (close_requested->kind == CloseReason::Kind::local) {
    ngtcp2_ccerr_set_application_error(&error, close_requested->code, text, close_requested->reason.size());
  } else {
    ngtcp2_ccerr_set_transport_error(&error, close_requested->code, text, close_requested->reason.size());
  }
  send_close(error, *close_requested, now);
}

// RFC 9000 §10.2. What comes later is answered with a stateless reset.
NativeTime Connection::State::linger_until(NativeTime now) const {
  return now + std::min(3 * ngtcp2_conn_get_pto(conn.get()), kLingerMax);
}

void Connection::State::fail(int error, NativeTime now) {
  using Kind = CloseReason::Kind;
  const NativeTime linger = linger_until(now);
  switch (error) {
    case NGTCP2_ERR_DRAINING:
      return end(Phase::draining, reason_of_peer(), linger);
    case NGTCP2_ERR_RETRY:
      wants_retry = true;
      [[fallthrough]];
    case NGTCP2_ERR_CLOSING:
    case NGTCP2_ERR_DROP_CONN:
      return end(Phase::dead, {Kind::protocol, 0, "the first packet was no QUIC"}, now);
    case NGTCP2_ERR_IDLE_CLOSE:
      return end(Phase::dead, handshake_completed ? silence() : no_answer(), now);
    case NGTCP2_ERR_HANDSHAKE_TIMEOUT:
      return end(Phase::dead, no_answer(), now);
    case NGTCP2_ERR_RECV_VERSION_NEGOTIATION:
      return end(Phase::dead, {Kind::version, 0, "the peer does not speak QUIC version 1"}, now);
    default:
      break;
  }
  ngtcp2_ccerr native_error;
  ngtcp2_ccerr_default(&native_error);
  CloseReason reason{Kind::protocol, 0, name_of(error)};
  if (error == NGTCP2_ERR_CRYPTO || (error == NGTCP2_ERR_CALLBACK_FAILURE && tls_failure)) {
    const std::uint8_t alert = ngtcp2_conn_get_tls_alert(conn.get());
    ngtcp2_ccerr_set_tls_alert(&native_error, alert, nullptr, 0);
    reason.kind = Kind::tls;
    reason.reason = tls_failure ? *tls_failure : explain_alert(alert, true);
  } else {
    ngtcp2_ccerr_set_liberr(&native_error, error, nullptr, 0);
  }
  reason.code = native_error.error_code;
  send_close(native_error, reason, now);
}

void Connection::State::send_close(const ngtcp2_ccerr& error, const CloseReason& reason, NativeTime now) {
  const NativeTime linger = linger_until(now);
  close_packet.resize(NGTCP2_MAX_UDP_PAYLOAD_SIZE);
  ngtcp2_path_storage to;
  ngtcp2_path_storage_zero(&to);
  ngtcp2_pkt_info info{};
  const ngtcp2_ssize size = ngtcp2_conn_write_connection_close(conn.get(), &to.path, &info, close_packet.data(),
                                                               close_packet.size(), &error, now);
  if (size <= 0) return end(Phase::dead, reason, now);
  close_packet.resize(static_cast<std::size_t>(size));
  close_packet.shrink_to_fit();
  close_packet_due = true;
  close_ecn = static_cast<Ecn>(info.ecn & NGTCP2_ECN_MASK);
  path = path_of(to.path);
  end(Phase::closing, reason, linger);
}

CloseReason Connection::State::reason_of_peer() const {
  using Kind = CloseReason::Kind;
  if (stateless_reset) return {Kind::stateless_reset, 0, "the peer knows this connection no more: connect again"};
  const ngtcp2_ccerr* error = ngtcp2_conn_get_ccerr(conn.get());
  CloseReason reason{Kind::peer_transport, error->error_code, {}};
  if (error->type == NGTCP2_CCERR_TYPE_APPLICATION) reason.kind = Kind::peer_application;
  reason.reason.assign(reinterpret_cast<const char*>(error->reason), error->reasonlen);
  if (reason.reason.empty() && is_of_tls(reason)) {
    reason.reason = explain_alert(static_cast<std::uint8_t>(reason.code), false);
  }
  return reason;
}

void Connection::State::leave_handshakes() {
  if (handshake_place) endpoint.handshakes.erase(*handshake_place);
  handshake_place.reset();
}

void Connection::State::bury() {
  leave_handshakes();
  phase = Phase::dead;
  endpoint.expiries.remove(*this);
  endpoint.dead.push_back(this);
}

// A handshake that fails counts among those that are not finished for as long as it lingers: many of them at a time are
// a reason to ask for proof of an address (Retry), too.
void Connection::State::end(Phase next, const CloseReason& reason, NativeTime linger_until) {
  report_fates();
  phase = next;
  std::erase(endpoint.clients, this);
  if (is_server && !handshake_completed && is_of_tls(reason)) {
    endpoint.visitor.on_handshake_failed(path, reason, is_address_proven());
  }
  if (visitor != nullptr) std::exchange(visitor, nullptr)->on_closed(reason);
  conn.reset();
  qlog.reset();
  session.reset();
  server_tls.reset();
  client.reset();
  acked = nullptr;
  consumed = nullptr;
  streams.clear();
  retired.clear();
  unsent_stops.clear();
  writable = {};
  datagrams = DatagramQueue{0, 0, Duration::zero()};
  scan.stop_sending().clear();
  scan.ends().clear();
  std::vector<FrameScan::ShortFrame>{}.swap(scan.short_frames());
  if (phase == Phase::dead) {
    bury();
  } else {
    endpoint.expiries.set(*this, linger_until);
    want_transmit();
  }
}

}  // namespace plait::quic
