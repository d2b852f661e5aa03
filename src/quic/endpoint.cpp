#include "quic/endpoint.hpp"

#include <ngtcp2/ngtcp2_crypto.h>

#include <cstring>
#include <utility>

#include "core/assert.hpp"
#include "quic/endpoint_state.hpp"

namespace plait::quic {
namespace {

constexpr std::uint64_t kCreditMax = std::uint64_t{1} << 60;

/// ngtcp2 aborts the process for what it does not like.
Settings valid(Settings settings) {
  const auto bound = [](auto& value, auto low, auto high) {
    value = std::clamp<std::decay_t<decltype(value)>>(value, low, high);
  };
  bound(settings.stream_credit_bytes, 0U, kCreditMax);
  bound(settings.stream_credit_bytes_max, 0U, kCreditMax);
  bound(settings.connection_credit_bytes, 0U, kCreditMax);
  bound(settings.connection_credit_bytes_max, 0U, kCreditMax);
  bound(settings.streams_bidi_max, 0U, kCreditMax);
  bound(settings.streams_uni_max, 0U, kCreditMax);
  bound(settings.datagram_frame_bytes_max, 0U, 65535U);
  bound(settings.acknowledge_packets, 1U, 1000U);
  const Duration day = std::chrono::hours{24};
  bound(settings.idle_timeout, std::chrono::milliseconds{1}, day);
  bound(settings.handshake_timeout, std::chrono::milliseconds{1}, day);
  bound(settings.initial_rtt, std::chrono::microseconds{1}, std::chrono::seconds{10});
  for (auto* probes : {&settings.mtu_probes, &settings.loopback_mtu_probes}) {
    std::erase_if(*probes, [](std::uint16_t size) { return size <= NGTCP2_MAX_UDP_PAYLOAD_SIZE || size > 65000; });
  }
  return settings;
}

std::uint64_t random_number(RandomSource& random) {
  std::array<std::uint8_t, 8> bytes;
  random.fill(bytes);
  std::uint64_t number;
  std::memcpy(&number, bytes.data(), bytes.size());
  return number;
}

}  // namespace

std::optional<std::uint8_t> connection_id_first_byte(ByteView datagram) {
  constexpr std::size_t kLongOffset = 6;  // flags, version, length
  if (datagram.empty()) return std::nullopt;
  if ((datagram[0] & 0x80U) == 0) return datagram.size() > 1 ? std::optional{datagram[1]} : std::nullopt;
  if (datagram.size() <= kLongOffset || datagram[kLongOffset - 1] == 0) return std::nullopt;
  return datagram[kLongOffset];
}

// --- Endpoint::State ------------------------------------------------------------------------------------------------

Endpoint::State::State(EndpointConfig given, RandomSource& random_source, EndpointVisitor& endpoint_visitor,
                       TimePoint start)
    : config(std::move(given)),
      random(random_source),
      visitor(endpoint_visitor),
      now(native(start)),
      ids(random_number(random_source)) {
  config.settings = valid(std::move(config.settings));
  for (auto* secret : {&config.secret, &config.token_secret}) {
    if (*secret == decltype(config.secret){}) random.fill(*secret);
  }
}

Endpoint::State::Call::Call(State& state) : state_(state) {
  PLAIT_ASSERT(state_.calls_under_way == 0, "called from inside a visitor's function");
  ++state_.calls_under_way;
}
Endpoint::State::Call::~Call() {
  state_.settle();
  --state_.calls_under_way;
  state_.reap();
}

NativeTime Endpoint::State::advance(TimePoint given) { return now = std::max(now, native(given)); }

void Endpoint::State::mark_ready(Connection::State& connection) {
  const bool first = ready.empty();
  ready.push_back(connection);
  if (first && calls_under_way == 0) visitor.on_transmit_wanted();
}

void Endpoint::State::settle_after(Connection::State& connection) {
  if (unsettled != &connection) settle();
  unsettled = &connection;
}

void Endpoint::State::settle() {
  if (unsettled != nullptr) std::exchange(unsettled, nullptr)->settle(now);
}

void Endpoint::State::add_id(Connection::State& connection, ByteView id) {
  if (ids.add(id, connection)) connection.ids.push_back(ConnectionId::of(id));
}

void Endpoint::State::remove_id(Connection::State& connection, ByteView id) {
  ids.remove(id, connection);
  std::erase(connection.ids, ConnectionId::of(id));
}

ngtcp2_cid Endpoint::State::make_connection_id() {
  ngtcp2_cid id;
  id.datalen = kConnectionIdBytes;
  random.fill({id.data, id.datalen});
  id.data[0] = config.loop_number;
  return id;
}

bool Endpoint::State::make_reset_token(const ngtcp2_cid& id, std::uint8_t* token) const {
  return ngtcp2_crypto_generate_stateless_reset_token(token, config.secret.data(), config.secret.size(), &id) == 0;
}

void Endpoint::State::reap() {
  if (dead.empty()) return;
  for (Connection::State* gone : std::exchange(dead, {})) {
    std::erase(clients, gone);
    connections.erase(gone);
  }
}

void Endpoint::State::carry(Transmit transmit, ByteView packet) {
  carried = Carried{transmit, {packet.begin(), packet.end()}};
}

std::optional<Transmit> Endpoint::State::poll_connections(MutableByteView buffer) {
  while (!ready.empty()) {
    Connection::State& connection = ready.front();
    ready.remove(connection);
    bool more = false;
    const auto batch = connection.poll_transmit(buffer, now, more);
    if (more && connection.phase != Connection::State::Phase::dead) ready.push_back(connection);
    if (batch) return batch;
  }
  return std::nullopt;
}

std::optional<Transmit> Endpoint::State::poll_answer(MutableByteView buffer) {
  if (answers.empty()) return std::nullopt;
  const Answer answer = std::move(answers.front());
  answers.pop_front();
  answered_last = true;
  std::memcpy(buffer.data(), answer.bytes.data(), answer.bytes.size());
  return Transmit{answer.path, answer.bytes.size(), answer.bytes.size(), Ecn::not_ect};
}

// --- Endpoint -------------------------------------------------------------------------------------------------------

Endpoint::Endpoint(EndpointConfig config, RandomSource& random, EndpointVisitor& visitor, TimePoint now)
    : state_(std::make_unique<State>(std::move(config), random, visitor, now)) {}
Endpoint::~Endpoint() = default;

Result<Connection*, Error> Endpoint::connect(const Path& path, const std::string& host, const ClientTls& tls,
                                             ConnectionVisitor& visitor, TimePoint now) {
  if (!is_valid(path)) return err(Error{"a QUIC connection needs an IPv4 or IPv6 address at both ends"});
  const NativeTime time = state_->advance(now);
  auto made = std::make_unique<Connection::State>(*state_, false, time);
  if (!made->set_up_client(path, host, tls, time)) return err(Error{"out of memory for a QUIC connection to " + host});
  made->visitor = &visitor;
  Connection::State& state = *made;
  auto& connection = state_->connections[&state] = std::make_unique<Connection>(std::move(made));
  state_->clients.push_back(&state);
  state.update_expiry();
  state.want_transmit();
  return connection.get();
}

std::size_t Endpoint::handle_datagrams(const Path& path, ByteView bytes, std::size_t segment_bytes, Ecn ecn,
                                       TimePoint now) {
  PLAIT_ASSERT(segment_bytes > 0 || bytes.empty(), "datagrams without bytes");
  const State::Call call{*state_};
  state_->advance(now);
  const bool valid_path = is_valid(path);
  std::size_t stray_count = 0;
  do {
    const ByteView datagram = bytes.first(std::min(bytes.size(), segment_bytes));
    Connection::State* const owner = valid_path ? state_->owner_of(datagram) : nullptr;
    if (owner != nullptr) {
      owner->handle_datagram(path, datagram, ecn, state_->now);
    } else {
      ++stray_count;
      state_->handle_stray(path, datagram, ecn);
    }
    bytes = bytes.subspan(datagram.size());
  } while (!bytes.empty());
  return stray_count;
}

// RFC 9000 §17.3: a packet with a short header has the connection ID, one of ours, right behind its first byte.
Connection::State* Endpoint::State::owner_of(ByteView datagram) {
  if (!datagram.empty() && (datagram[0] & 0x80U) == 0) {
    return datagram.size() > kConnectionIdBytes ? ids.find(datagram.subspan(1, kConnectionIdBytes)) : nullptr;
  }
  ngtcp2_version_cid header{};
  const bool known = !datagram.empty() &&  // ngtcp2 aborts the process for it
                     ngtcp2_pkt_decode_version_cid(&header, datagram.data(), datagram.size(), kConnectionIdBytes) == 0;
  return known ? ids.find({header.dcid, header.dcidlen}) : nullptr;
}

void Endpoint::State::handle_stray(const Path& path, ByteView datagram, Ecn ecn) {
  ngtcp2_version_cid header{};
  const int status = datagram.empty()
                         ? NGTCP2_ERR_INVALID_ARGUMENT
                         : ngtcp2_pkt_decode_version_cid(&header, datagram.data(), datagram.size(), kConnectionIdBytes);
  if (!is_valid(path) || (status != 0 && status != NGTCP2_ERR_VERSION_NEGOTIATION)) {
    ++counters.dropped_datagram_count;
    return;
  }
  if (status == NGTCP2_ERR_VERSION_NEGOTIATION) return send_version_negotiation(path, datagram, header);
  handle_unknown(path, datagram, ecn, header);
}

// It was ours, so what names the connection is its Source Connection ID.
void Endpoint::handle_refused(ByteView datagram, TimePoint now) {
  const State::Call call{*state_};
  const NativeTime time = state_->advance(now);
  ngtcp2_version_cid header{};
  const bool has_header = !datagram.empty() && ngtcp2_pkt_decode_version_cid(&header, datagram.data(), datagram.size(),
                                                                             kConnectionIdBytes) == 0;
  if (!has_header || header.scidlen == 0) return;
  if (Connection::State* found = state_->ids.find({header.scid, header.scidlen})) found->handle_refused(time);
}

std::optional<Transmit> Endpoint::poll_transmit(MutableByteView buffer, TimePoint now) {
  PLAIT_ASSERT(buffer.size() >= kTransmitBytesMax, "a batch needs kTransmitBytesMax");
  const State::Call call{*state_};
  state_->advance(now);
  if (state_->carried) {
    const State::Carried carried = *std::exchange(state_->carried, std::nullopt);
    std::memcpy(buffer.data(), carried.bytes.data(), carried.bytes.size());
    return carried.transmit;
  }
  // In turn, so that junk, each datagram of which has an answer, does not keep the connections' packets back.
  const bool connections_first = std::exchange(state_->answered_last, false);
  if (connections_first) {
    if (auto batch = state_->poll_connections(buffer)) return batch;
  }
  if (auto answer = state_->poll_answer(buffer)) return answer;
  return connections_first ? std::nullopt : state_->poll_connections(buffer);
}

std::optional<TimePoint> Endpoint::next_expiry() const {
  if (state_->expiries.empty()) return std::nullopt;
  return time_point(state_->expiries.top().expiry);
}

void Endpoint::handle_expiry(TimePoint now) {
  const State::Call call{*state_};
  const NativeTime time = state_->advance(now);
  // A deadline that is due again at once waits for the next call, so that this one ends.
  for (std::size_t left = state_->connections.size(); left > 0 && !state_->expiries.empty(); --left) {
    Connection::State& next = state_->expiries.top();
    if (next.expiry > time) break;
    next.handle_expiry(time);
  }
}

void Endpoint::set_server_tls(ServerTls tls) { state_->config.server_tls = std::move(tls); }

EndpointStats Endpoint::stats() const {
  EndpointStats stats = state_->counters;
  stats.connection_count = state_->connections.size();
  stats.handshake_count = state_->handshakes.size();
  return stats;
}

void Endpoint::disable_segmentation() { state_->segmentation = false; }

}  // namespace plait::quic
