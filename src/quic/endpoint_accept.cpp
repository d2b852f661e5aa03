// What belongs to no connection: clients' first packets, and what is answered without keeping anything.
#include <ngtcp2/ngtcp2_crypto.h>

#include <array>

#include "quic/endpoint_state.hpp"

namespace plait::quic {
namespace {

constexpr std::size_t kAnswersMax = 256;
constexpr std::size_t kAnswerBytesMax = 1200;
constexpr std::uint32_t kResetsPerSecond = 1000;
constexpr std::uint64_t kRetryTokenLife = 10 * NGTCP2_SECONDS;
constexpr std::uint64_t kRegularTokenLife = 3600 * NGTCP2_SECONDS;
constexpr std::uint64_t kTokenClockSlack = 10 * NGTCP2_SECONDS;  // far more than the times of two loops differ

// The clock that dates tokens begins anew with the machine, and their key may not: those of before seem to be of the
// future then, and would be good until it comes. ngtcp2 takes them, so it is asked whether a token would still be good
// if it had no life at all: `verify` gives 0 for yes.
template <class Verify>
bool is_good_token(const Verify& verify, std::uint64_t life, NativeTime now) {
  return verify(life, now) == 0 && verify(0, now + kTokenClockSlack) != 0;
}

}  // namespace

MutableByteView Endpoint::State::reserve_answer(const Path& path) {
  if (answers.size() >= kAnswersMax) return {};
  answers.push_back({path, std::vector<std::uint8_t>(kAnswerBytesMax)});
  return answers.back().bytes;
}

void Endpoint::State::commit_answer(ngtcp2_ssize size) {
  if (size <= 0) {
    answers.pop_back();
  } else {
    answers.back().bytes.resize(static_cast<std::size_t>(size));
  }
}

void Endpoint::State::handle_unknown(const Path& path, ByteView datagram, Ecn ecn, const ngtcp2_version_cid& header) {
  const bool is_short = header.version == 0 && (datagram[0] & 0x80U) == 0;
  if (!is_short && config.server_tls) return handle_initial(path, datagram, ecn);
  ++counters.dropped_datagram_count;
  if (!is_short) return;
  route_reset(path, datagram, ecn);
  if (config.server_tls) send_stateless_reset(path, datagram, {header.dcid, header.dcidlen});
}

// A stateless reset looks like a packet for a connection that nobody knows; of all to this server, that which it is for
// recognises its token (RFC 9000 §10.3.1).
void Endpoint::State::route_reset(const Path& path, ByteView datagram, Ecn ecn) {
  const std::vector<Connection::State*> candidates = clients;  // each leaves the list when it ends
  for (Connection::State* client : candidates) {
    if (client->phase != Connection::State::Phase::open || client->path != path) continue;
    client->read_datagram(path, datagram, ecn, now);
    if (client->phase != Connection::State::Phase::open) return;
  }
}

void Endpoint::State::handle_initial(const Path& path, ByteView datagram, Ecn ecn) {
  ngtcp2_pkt_hd header{};
  if (ngtcp2_accept(&header, datagram.data(), datagram.size()) != 0) {
    ++counters.dropped_datagram_count;
    return;
  }
  Connection::State::Accept proven{header, std::nullopt};
  if (connections.size() >= config.connections_max) {
    ++counters.refused_count;
    return send_refusal(path, header, NGTCP2_CONNECTION_REFUSED);
  }
  if (check_token(path, header, proven)) accept(path, datagram, ecn, proven);
}

bool Endpoint::State::check_token(const Path& path, const ngtcp2_pkt_hd& header, Connection::State::Accept& proven) {
  const ngtcp2_path where = native(path);
  const auto& secret = config.token_secret;
  const std::uint8_t magic = header.tokenlen == 0 ? 0 : header.token[0];
  if (magic == NGTCP2_CRYPTO_TOKEN_MAGIC_RETRY2 || magic == NGTCP2_CRYPTO_TOKEN_MAGIC_RETRY) {
    ngtcp2_cid original;
    const auto verify = [&](std::uint64_t life, NativeTime at) {
      return ngtcp2_crypto_verify_retry_token2(&original, header.token, header.tokenlen, secret.data(), secret.size(),
                                               header.version, where.remote.addr, where.remote.addrlen, &header.dcid,
                                               life, at);
    };
    if (!is_good_token(verify, kRetryTokenLife, now)) {
      send_refusal(path, header, NGTCP2_INVALID_TOKEN);
      return false;
    }
    proven.original_id = original;
    proven.token_type = NGTCP2_TOKEN_TYPE_RETRY;
    return true;
  }
  const auto verify = [&](std::uint64_t life, NativeTime at) {
    return ngtcp2_crypto_verify_regular_token(header.token, header.tokenlen, secret.data(), secret.size(),
                                              where.remote.addr, where.remote.addrlen, life, at);
  };
  if (magic == NGTCP2_CRYPTO_TOKEN_MAGIC_REGULAR && is_good_token(verify, kRegularTokenLife, now)) {
    proven.token_type = NGTCP2_TOKEN_TYPE_NEW_TOKEN;
    return true;
  }
  if (!config.retry_always && handshakes.size() < config.retry_handshakes) return true;
  send_retry(path, header);
  return false;
}

void Endpoint::State::accept(const Path& path, ByteView datagram, Ecn ecn, const Connection::State::Accept& proven) {
  auto made = std::make_unique<Connection::State>(*this, true, now);
  if (!made->set_up_server(path, proven, now)) return;
  if (handshakes.size() > std::max<std::size_t>(config.handshakes_max, 1)) give_up(*handshakes.front());
  Connection::State& state = *made;
  connections[&state] = std::make_unique<Connection>(std::move(made));
  ++counters.accepted_count;
  state.handle_datagram(path, datagram, ecn, now);
  // The second half of a ClientHello of two packets has overtaken the first: ngtcp2 keeps it for none but whoever has
  // shown to be there.
  if (state.wants_retry) send_retry(path, proven.header);
}

// Whoever has not finished for so long probably will not, and the newest may.
void Endpoint::State::give_up(Connection::State& oldest) {
  oldest.leave_handshakes();
  if (oldest.phase != Connection::State::Phase::open) return oldest.bury();
  ++counters.refused_count;
  oldest.request_close({CloseReason::Kind::protocol, NGTCP2_CONNECTION_REFUSED,
                        "too many handshakes are under way, and this was the oldest"});
  oldest.close_if_requested(now);
}

// RFC 9000 §6.1. Never larger than what it answers.
void Endpoint::State::send_version_negotiation(const Path& path, ByteView datagram, const ngtcp2_version_cid& header) {
  if (!config.server_tls || datagram.size() < NGTCP2_MAX_UDP_PAYLOAD_SIZE) {
    ++counters.dropped_datagram_count;
    return;
  }
  const MutableByteView out = reserve_answer(path);
  if (out.empty()) return;
  std::uint8_t unused = 0;
  random.fill({&unused, 1});
  // One that nobody has (§6.3, §15), and never the one that the client tried: it would take that for a packet that
  // means nothing (§6.2).
  constexpr std::uint32_t kReserved = NGTCP2_RESERVED_VERSION_MASK;
  constexpr std::uint32_t kOtherReserved = kReserved | 0x10101010;
  const std::array<std::uint32_t, 2> versions = {NGTCP2_PROTO_VER_V1,
                                                 header.version == kReserved ? kOtherReserved : kReserved};
  commit_answer(ngtcp2_pkt_write_version_negotiation(out.data(), out.size(), unused, header.scid, header.scidlen,
                                                     header.dcid, header.dcidlen, versions.data(), versions.size()));
  ++counters.version_negotiation_count;
}

void Endpoint::State::send_retry(const Path& path, const ngtcp2_pkt_hd& header) {
  const MutableByteView out = reserve_answer(path);
  if (out.empty()) return;
  const ngtcp2_cid id = make_connection_id();
  const ngtcp2_path where = native(path);
  std::array<std::uint8_t, NGTCP2_CRYPTO_MAX_RETRY_TOKENLEN2> token;
  const ngtcp2_ssize token_bytes = ngtcp2_crypto_generate_retry_token2(
      token.data(), config.token_secret.data(), config.token_secret.size(), header.version, where.remote.addr,
      where.remote.addrlen, &id, &header.dcid, now);
  if (token_bytes < 0) return commit_answer(0);
  commit_answer(ngtcp2_crypto_write_retry(out.data(), out.size(), header.version, &header.scid, &id, &header.dcid,
                                          token.data(), static_cast<std::size_t>(token_bytes)));
  ++counters.retry_count;
}

void Endpoint::State::send_refusal(const Path& path, const ngtcp2_pkt_hd& header, std::uint64_t code) {
  const MutableByteView out = reserve_answer(path);
  if (out.empty()) return;
  commit_answer(ngtcp2_crypto_write_connection_close(out.data(), out.size(), header.version, &header.scid, &header.dcid,
                                                     code, nullptr, 0));
}

// RFC 9000 §10.3: like a packet, and smaller than what it answers, so that two endpoints never answer each other for
// ever.
void Endpoint::State::send_stateless_reset(const Path& path, ByteView datagram, ByteView id) {
  constexpr std::size_t kSizeMin = NGTCP2_MIN_STATELESS_RESET_RANDLEN + NGTCP2_STATELESS_RESET_TOKENLEN;
  constexpr std::size_t kSizeMax = 42;
  if (datagram.size() <= kSizeMin) return;
  if (now - resets_since > NGTCP2_SECONDS) {
    resets_since = now;
    resets_left = kResetsPerSecond;
  }
  if (resets_left == 0) return;
  --resets_left;
  const MutableByteView out = reserve_answer(path);
  if (out.empty()) return;
  const ngtcp2_cid gone = native(id);
  std::array<std::uint8_t, NGTCP2_STATELESS_RESET_TOKENLEN> token;
  std::array<std::uint8_t, kSizeMax> noise;
  if (!make_reset_token(gone, token.data())) return commit_answer(0);
  random.fill(noise);
  const std::size_t size = std::min(datagram.size() - 1, kSizeMax);
  commit_answer(ngtcp2_pkt_write_stateless_reset(out.data(), out.size(), token.data(), noise.data(),
                                                 size - NGTCP2_STATELESS_RESET_TOKENLEN));
  ++counters.stateless_reset_count;
}

}  // namespace plait::quic
