#include "transport/quic/quic_endpoint.hpp"

#include <plait/log.hpp>

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "codec/utf8.hpp"

namespace plait::transport {
namespace {

constexpr int kReceivesPerTurn = 32;                // so that a flood of datagrams does not starve the rest of the loop
constexpr std::size_t kStraysPerTurn = 256;         // nor one of what belongs to no connection: each may begin one
constexpr std::uint64_t kConnectionRefused = 0x02;  // RFC 9000 §20.1
constexpr int kBatchesPerTurn = 16;                 // 1 MiB: then what arrives, acknowledgements among it, has its turn

quic::EndpointConfig within(const Limits& limits, quic::EndpointConfig config) {
  config.settings.datagram_age_max = limits.datagram_age_max;
  // Two frames for each bidirectional stream. All that may come in a second may come at once.
  auto& settings = config.settings;
  constexpr std::size_t kStreamsMax = std::numeric_limits<std::uint32_t>::max() / 2;
  settings.cancel_frames_per_second =
      static_cast<std::uint32_t>(2 * std::min(limits.stream_cancels_per_second_max, kStreamsMax));
  settings.cancel_frames_burst = std::max(settings.cancel_frames_burst, settings.cancel_frames_per_second);
  for (auto* probes : {&config.settings.mtu_probes, &config.settings.loopback_mtu_probes}) {
    std::erase_if(*probes, [&limits](std::uint16_t probe) { return probe > limits.udp_payload_bytes_max; });
  }
  return config;
}

}  // namespace

quic::Address to_quic(const net::SocketAddress& address) {
  return quic::Address::of({reinterpret_cast<const std::uint8_t*>(&address.storage), address.length});
}

net::SocketAddress to_net(const quic::Address& address) {
  net::SocketAddress result;
  std::memcpy(&result.storage, address.bytes.data(), address.size);
  result.length = address.size;
  return result;
}

std::string describe(const quic::CloseReason& reason) {
  if (!reason.reason.empty() && codec::is_utf8(as_bytes(reason.reason))) return reason.reason;
  switch (reason.kind) {
    case quic::CloseReason::Kind::peer_transport:
      if (reason.code == kConnectionRefused)
        return "the server refused the connection: it is full or shutting down, perhaps";
      break;
    case quic::CloseReason::Kind::idle_timeout:
      return "the peer was silent for too long";
    case quic::CloseReason::Kind::handshake_timeout:
      return "the opening took too long";
    case quic::CloseReason::Kind::stateless_reset:
      return "the peer knows the connection no more: it was restarted, perhaps";
    case quic::CloseReason::Kind::version:
      return "the server speaks no QUIC version 1";
    default:
      break;
  }
  return "the connection ended with code " + std::to_string(reason.code);
}

QuicEndpoint::QuicEndpoint(LoopContext& context, net::UdpSocket socket, quic::EndpointConfig config, Accept accept,
                           SharedPort shared)
    : context_(context),
      socket_(std::move(socket)),
      accept_(std::move(accept)),
      shared_(std::move(shared)),
      is_client_(!accept_),
      random_(context.random),
      engine_(within(context.limits, std::move(config)), random_, *this, context.loop.now()),
      alarm_(context.loop, [this] { handle_expiry(); }),
      buffer_(quic::Endpoint::kTransmitBytesMax) {}

QuicEndpoint::~QuicEndpoint() {
  if (socket_.fd() >= 0) context_.loop.unwatch(socket_.fd(), *this);
}

Result<void, Error> QuicEndpoint::start() { return context_.loop.watch(socket_.fd(), EPOLLIN, *this); }

Result<quic::Connection*, Error> QuicEndpoint::connect(const net::SocketAddress& remote, const std::string& host,
                                                       const quic::ClientTls& tls, quic::ConnectionVisitor& visitor) {
  const quic::Path path{.local = to_quic(socket_.name()), .remote = to_quic(remote)};
  auto connection = engine_.connect(path, host, tls, visitor, context_.loop.now());
  if (connection) transmit_soon();
  return connection;
}

quic::ConnectionVisitor* QuicEndpoint::on_connection(quic::Connection& connection) {
  return accept_ && context_.admits_connection() ? accept_(connection) : nullptr;
}

void QuicEndpoint::on_handshake_failed(const quic::Path& path, const quic::CloseReason& reason, bool proven) {
  context_.note_failed_handshake(to_net(path.remote).text(), describe(reason), proven);
}

void QuicEndpoint::count() {
  const quic::EndpointStats stats = engine_.stats();
  context_.counters.connections_refused.add(stats.refused_count - counted_.refused_count);
  context_.counters.quic_resumed.add(stats.resumed_count - counted_.resumed_count);
  counted_ = stats;
}

// --- Receiving -------------------------------------------------------------------------------------------------------

void QuicEndpoint::handle_events(std::uint32_t events) {
  if ((events & EPOLLOUT) != 0) watch_for_room(false);
  if ((events & EPOLLERR) != 0) receive_refused();
  if ((events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0) receive();
  transmit_soon();
}

void QuicEndpoint::receive() {
  const MutableByteView buffer = context_.loop.receive_buffer().first(net::UdpSocket::kBatchBytesMax);
  std::size_t strays = 0;
  for (int i = 0; i < kReceivesPerTurn && strays < kStraysPerTurn; ++i) {
    net::UdpBatch batch;
    const net::IoResult result = socket_.receive(buffer, batch);
    if (result.status == net::IoStatus::would_block) return;
    // Errors are of datagrams that were sent before (ICMP); QUIC's own timers notice what was lost.
    if (result.status != net::IoStatus::ok || batch.bytes.empty()) continue;
    strays += handle_batch(batch);
  }
}

// A client's: nobody listens where it wanted to connect.
void QuicEndpoint::receive_refused() {
  const MutableByteView buffer = context_.loop.receive_buffer().first(net::UdpSocket::kBatchBytesMax);
  for (int i = 0; i < kReceivesPerTurn; ++i) {
    const net::IoResult result = socket_.receive_refused(buffer);
    if (result.status != net::IoStatus::ok) return;
    if (result.bytes > 0) engine_.handle_refused(buffer.first(result.bytes), context_.loop.now());
  }
}

// A server answers from the address that it was asked at. A client leaves its own to the system and must not know it
// either: it is the wildcard before the first packet, and a change would be a migration.
const net::SocketAddress& QuicEndpoint::local_of(const net::UdpBatch& batch) const {
  return is_client_ ? socket_.name() : batch.local;
}

// Returns how many datagrams belonged to no connection.
std::size_t QuicEndpoint::handle_batch(const net::UdpBatch& batch) {
  if (batch.remote.port() == 0) return 0;  // a forged one: nothing can be sent there
  const quic::Path path{.local = to_quic(local_of(batch)), .remote = to_quic(batch.remote)};
  const auto ecn = static_cast<quic::Ecn>(batch.ecn);
  const core::TimePoint now = context_.loop.now();
  std::size_t strays = 0;
  for (ByteView rest = batch.bytes; !rest.empty();) {
    const ByteView own = own_part(rest, batch);
    if (!own.empty()) strays += engine_.handle_datagrams(path, own, batch.segment_bytes, ecn, now);
    rest = rest.subspan(own.size());
    const ByteView stray = rest.first(std::min(rest.size(), batch.segment_bytes));
    if (stray.empty()) break;
    shared_.forward(socket_of(stray), {.path = path, .ecn = ecn, .bytes = {stray.begin(), stray.end()}});
    rest = rest.subspan(stray.size());
    ++strays;
  }
  return strays;
}

// The datagrams at the front of `rest` that belong to this socket; the first one of the batch is what the kernel looked
// at.
ByteView QuicEndpoint::own_part(ByteView rest, const net::UdpBatch& batch) const {
  if (shared_.socket_count == 1) return rest;
  std::size_t size = rest.size() == batch.bytes.size() ? std::min(rest.size(), batch.segment_bytes) : 0;
  while (size < rest.size()) {
    const ByteView next = rest.subspan(size, std::min(rest.size() - size, batch.segment_bytes));
    if (socket_of(next) != shared_.socket_number) break;
    size += next.size();
  }
  return rest.first(size);
}

unsigned QuicEndpoint::socket_of(ByteView datagram) const {
  if (shared_.socket_count == 1) return shared_.socket_number;
  const auto first_byte = quic::connection_id_first_byte(datagram);
  return first_byte ? *first_byte % shared_.socket_count : shared_.socket_number;
}

void QuicEndpoint::handle_stray(const StrayDatagram& stray) {
  engine_.handle_datagram(stray.path, stray.bytes, stray.ecn, context_.loop.now());
  transmit_soon();
}

// --- Sending ---------------------------------------------------------------------------------------------------------

void QuicEndpoint::handle_expiry() {
  engine_.handle_expiry(context_.loop.now());
  transmit_soon();
}

void QuicEndpoint::on_turn_end() {
  count();
  transmit();
  alarm_.set(engine_.next_expiry().value_or(core::TimePoint::max()));
}

void QuicEndpoint::transmit() {
  if (blocked_) return;
  const core::TimePoint now = context_.loop.now();
  for (int i = 0; i < kBatchesPerTurn; ++i) {
    if (unsent_.bytes.empty()) {
      const auto next = engine_.poll_transmit(buffer_, now);
      if (!next) return;
      unsent_ = {.local = is_client_ ? net::SocketAddress{} : to_net(next->path.local),
                 .remote = to_net(next->path.remote),
                 .bytes = ByteView{buffer_}.first(next->size),
                 .segment_bytes = next->segment_bytes,
                 .ecn = static_cast<std::uint8_t>(next->ecn)};
    }
    if (send(unsent_) == Sent::blocked) return watch_for_room(true);
    unsent_.bytes = {};
  }
  context_.loop.at_next_turn_end(*this);
}

QuicEndpoint::Sent QuicEndpoint::send(const net::UdpBatch& batch) {
  const net::IoResult result = socket_.send(batch);
  if (result.status == net::IoStatus::would_block) return Sent::blocked;
  if (result.status == net::IoStatus::ok || batch.segment_bytes >= batch.bytes.size()) return Sent::gone;
  if (result.system_errno != EIO && result.system_errno != EINVAL) return Sent::gone;
  if (!send_singly(batch)) return Sent::gone;
  log(LogLevel::warning, "this network interface cannot send UDP segments (" +
                             std::string{std::strerror(result.system_errno)} +
                             "): every QUIC packet takes a system call from here on");
  engine_.disable_segmentation();
  return Sent::gone;
}

// False: not even the first could be sent, since the kernel takes no datagram at all from this address or to it
// (EINVAL, too: a broadcast address that a client has sent to). What does not fit into the socket's buffer is lost, as
// any datagram may be.
bool QuicEndpoint::send_singly(const net::UdpBatch& batch) {
  for (ByteView rest = batch.bytes; !rest.empty();) {
    net::UdpBatch one = batch;
    one.bytes = rest.first(std::min(rest.size(), batch.segment_bytes));
    const bool is_first = rest.size() == batch.bytes.size();
    const net::IoStatus status = socket_.send(one).status;
    if (is_first && status != net::IoStatus::ok) return false;
    if (status == net::IoStatus::would_block) break;
    rest = rest.subspan(one.bytes.size());
  }
  return true;
}

void QuicEndpoint::watch_for_room(bool blocked) {
  if (blocked == blocked_) return;
  blocked_ = blocked;
  const std::uint32_t events = EPOLLIN | (blocked ? EPOLLOUT : 0U);
  if (!context_.loop.rewatch(socket_.fd(), events, *this)) {
    log(LogLevel::error, "a UDP socket can no longer be watched");
  }
}

}  // namespace plait::transport
