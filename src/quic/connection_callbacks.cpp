// What ngtcp2 tells a connection. Nothing here writes packets or frees anything that ngtcp2 may still look at.
#include <gnutls/gnutls.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>

#include "quic/connection_state.hpp"
#include "quic/endpoint_state.hpp"

namespace plait::quic {
namespace {

using State = Connection::State;

State& state_of(void* user) { return *static_cast<State*>(user); }

// --- Handshake ------------------------------------------------------------------------------------------------------

int on_client_initial(ngtcp2_conn* conn, void* user) {
  State& state = state_of(user);
  if (!state.install_initial_keys(view(*ngtcp2_conn_get_dcid(conn)))) return NGTCP2_ERR_CALLBACK_FAILURE;
  const int status = ngtcp2_crypto_read_write_crypto_data(conn, NGTCP2_ENCRYPTION_LEVEL_INITIAL, nullptr, 0);
  return status == 0 ? 0 : NGTCP2_ERR_CALLBACK_FAILURE;
}

int on_first_packet(ngtcp2_conn* /*conn*/, const ngtcp2_cid* id, void* user) {
  return state_of(user).install_initial_keys(view(*id)) ? 0 : NGTCP2_ERR_CALLBACK_FAILURE;
}

int on_retry(ngtcp2_conn* /*conn*/, const ngtcp2_pkt_hd* header, void* user) {
  return state_of(user).install_initial_keys(view(header->scid)) ? 0 : NGTCP2_ERR_CALLBACK_FAILURE;
}

int on_crypto_data(ngtcp2_conn* conn, ngtcp2_encryption_level level, std::uint64_t offset, const std::uint8_t* data,
                   std::size_t size, void* user) {
  State& state = state_of(user);
  // Whoever is done with TLS expects nothing more of it: no key updates (RFC 9001 §6), no late authentication (§4.4).
  // Tickets a client may get, and does not need further ones.
  const bool is_done = !state.session || state.free_tls;
  const bool is_expected = level == NGTCP2_ENCRYPTION_LEVEL_1RTT
                               ? state.client != nullptr && state.client->tickets.handle({data, size})
                               : !is_done;
  if (!is_expected) {
    ngtcp2_conn_set_tls_alert(conn, GNUTLS_A_UNEXPECTED_MESSAGE);
    return NGTCP2_ERR_CRYPTO;
  }
  if (is_done) return 0;
  return ngtcp2_crypto_recv_crypto_data_cb(conn, level, offset, data, size, user);
}

int on_send_key(ngtcp2_conn* /*conn*/, ngtcp2_encryption_level level, void* user) {
  State& state = state_of(user);
  if (state.is_server && level == NGTCP2_ENCRYPTION_LEVEL_1RTT) state.become_ready();
  return 0;
}

int on_handshake_completed(ngtcp2_conn* /*conn*/, void* user) {
  state_of(user).complete_handshake();
  return 0;
}

int on_compatible_version(ngtcp2_conn* /*conn*/, std::uint32_t /*version*/, const ngtcp2_cid* /*id*/, void* /*user*/) {
  return NGTCP2_ERR_CALLBACK_FAILURE;  // only version 1 is offered, so there is no other to change to
}

// --- Streams --------------------------------------------------------------------------------------------------------

void tell_opened(State& state, Stream& stream) {
  stream.untold = false;
  if (state.is_live()) state.visitor->on_stream_open(stream.id);
}

// A unidirectional stream is told with its first data, or its reset: until then ngtcp2 1.11 may believe that it is ours
// to write, and would send frames for it that are an error (on_stream_reset).
int on_stream_open(ngtcp2_conn* conn, std::int64_t id, void* user) {
  State& state = state_of(user);
  Stream& stream = state.add_stream(id);
  ngtcp2_conn_set_stream_user_data(conn, id, &stream);
  stream.untold = direction_of(id) == Direction::unidirectional;
  if (!stream.untold) tell_opened(state, stream);
  return 0;
}

// What comes of a stream after it was stopped, and before ngtcp2 knows, is dropped: nobody else will consume it.
int on_stream_data(ngtcp2_conn* conn, std::uint32_t flags, std::int64_t id, std::uint64_t offset,
                   const std::uint8_t* data, std::size_t size, void* user, void* stream_user) {
  State& state = state_of(user);
  auto* stream = static_cast<Stream*>(stream_user);
  if (stream == nullptr || !stream->can_read) {
    ngtcp2_conn_extend_max_offset(conn, size);
    return 0;
  }
  state.gap_count -= stream->gaps.fill(offset + size);
  stream->unconsumed_bytes += size;
  if (stream->untold) tell_opened(state, *stream);
  if (!stream->can_read) return 0;
  const bool fin = (flags & NGTCP2_STREAM_DATA_FLAG_FIN) != 0;
  if (fin) stream->can_read = false;
  if (state.is_live()) state.visitor->on_stream_data(id, {data, size}, fin);
  return 0;
}

int on_stream_acked(ngtcp2_conn* /*conn*/, std::int64_t /*id*/, std::uint64_t offset, std::uint64_t size, void* user,
                    void* stream_user) {
  State& state = state_of(user);
  auto* stream = static_cast<Stream*>(stream_user);
  if (stream == nullptr) return 0;
  if (stream->end_told) state.look_again(*stream);
  if (size == 0) return 0;
  state.note_acked(*stream, offset + size);
  return 0;
}

int on_stream_closed(ngtcp2_conn* conn, std::uint32_t flags, std::int64_t id, std::uint64_t code, void* user,
                     void* /*stream_user*/) {
  State& state = state_of(user);
  state.report_acked();
  Stream* stream = state.find(id);
  if (stream == nullptr) {
    --state.unfreed_stream_count;  // close_before_ngtcp2 has closed it, as nothing else does
    return 0;
  }
  state.counters.lost_packet_count += ngtcp2_conn_get_stream_loss_count(conn, id);
  const bool abrupt = (flags & NGTCP2_STREAM_CLOSE_FLAG_APP_ERROR_CODE_SET) != 0;
  state.close_stream(*stream, abrupt ? std::optional{code} : std::nullopt);
  return 0;
}

// A unidirectional stream ends here. ngtcp2 says so, too, but in 1.11 not if the reset was the first that came of it:
// it waits for the end of what we would send on it, and keeps it until the connection ends.
int on_stream_reset(ngtcp2_conn* conn, std::int64_t id, std::uint64_t final_size, std::uint64_t code, void* user,
                    void* stream_user) {
  State& state = state_of(user);
  auto* stream = static_cast<Stream*>(stream_user);
  if (stream == nullptr) stream = state.find(id);
  if (stream == nullptr) return 0;
  stream->can_read = false;
  stream->stopped = false;
  if (stream->untold) tell_opened(state, *stream);
  ngtcp2_conn_extend_max_offset(conn, stream->unconsumed_bytes);
  stream->unconsumed_bytes = 0;
  if (state.is_live()) state.visitor->on_stream_reset(id, code, final_size);
  if (direction_of(id) == Direction::bidirectional) return 0;
  state.close_before_ngtcp2(*stream, code);
  return 0;
}

int on_more_credit(ngtcp2_conn* /*conn*/, std::int64_t /*id*/, std::uint64_t /*offset*/, void* user,
                   void* stream_user) {
  State& state = state_of(user);
  auto* stream = static_cast<Stream*>(stream_user);
  if (stream == nullptr || !stream->blocked) return 0;
  stream->blocked = false;
  if (stream->can_write && stream->queue.has_unsent()) state.writable.push_back(*stream);
  return 0;
}

int on_more_bidi(ngtcp2_conn* /*conn*/, std::uint64_t /*count*/, void* user) {
  State& state = state_of(user);
  state.awaits_bidi = false;
  state.more_bidi = state.ready;
  return 0;
}

int on_more_uni(ngtcp2_conn* /*conn*/, std::uint64_t /*count*/, void* user) {
  State& state = state_of(user);
  state.awaits_uni = false;
  state.more_uni = state.ready;
  return 0;
}

// --- QUIC DATAGRAM frames -------------------------------------------------------------------------------------------

int on_datagram(ngtcp2_conn* /*conn*/, std::uint32_t /*flags*/, const std::uint8_t* data, std::size_t size,
                void* user) {
  State& state = state_of(user);
  if (state.is_live()) state.visitor->on_datagram({data, size});
  return 0;
}

int on_datagram_acked(ngtcp2_conn* /*conn*/, std::uint64_t id, void* user) {
  state_of(user).note_fate(id, DatagramFate::acknowledged);
  return 0;
}

int on_datagram_lost(ngtcp2_conn* /*conn*/, std::uint64_t id, void* user) {
  State& state = state_of(user);
  ++state.counters.lost_packet_count;
  state.note_fate(id, DatagramFate::lost);
  return 0;
}

// --- The rest -------------------------------------------------------------------------------------------------------

void fill_random(std::uint8_t* out, std::size_t size, const ngtcp2_rand_ctx* context) {
  static_cast<RandomSource*>(context->native_handle)->fill({out, size});
}

int fill_path_challenge(ngtcp2_conn* /*conn*/, std::uint8_t* out, void* user) {
  state_of(user).endpoint.random.fill({out, NGTCP2_PATH_CHALLENGE_DATALEN});
  return 0;
}

int on_new_id(ngtcp2_conn* /*conn*/, ngtcp2_cid* id, std::uint8_t* token, std::size_t /*size*/, void* user) {
  State& state = state_of(user);
  *id = state.endpoint.make_connection_id();
  if (!state.endpoint.make_reset_token(*id, token)) return NGTCP2_ERR_CALLBACK_FAILURE;
  state.endpoint.add_id(state, view(*id));
  return 0;
}

int on_retired_id(ngtcp2_conn* /*conn*/, const ngtcp2_cid* id, void* user) {
  State& state = state_of(user);
  state.endpoint.remove_id(state, view(*id));
  return 0;
}

int on_new_token(ngtcp2_conn* /*conn*/, const std::uint8_t* token, std::size_t size, void* user) {
  State& state = state_of(user);
  if (state.client->tls->config.resume) state.endpoint.resumption.add_token(state.server(), {token, size});
  return 0;
}

// RFC 9000 §8.2. Packets go to a new path before this. ngtcp2 says whether the client has no token for its new address
// (§9.3).
int on_path_validation(ngtcp2_conn* /*conn*/, std::uint32_t flags, const ngtcp2_path* path,
                       const ngtcp2_path* /*old_path*/, ngtcp2_path_validation_result result, void* user) {
  if (result != NGTCP2_PATH_VALIDATION_RESULT_SUCCESS) return 0;
  state_of(user).peer = path_of(*path).remote;
  if ((flags & NGTCP2_PATH_VALIDATION_FLAG_NEW_TOKEN) != 0) state_of(user).send_token(*path);
  return 0;
}

int on_stateless_reset(ngtcp2_conn* /*conn*/, const ngtcp2_pkt_stateless_reset* /*reset*/, void* user) {
  state_of(user).stateless_reset = true;
  return 0;
}

ngtcp2_callbacks make_callbacks(bool is_server) {
  ngtcp2_callbacks callbacks{};
  if (is_server) {
    callbacks.recv_client_initial = on_first_packet;
  } else {
    callbacks.client_initial = on_client_initial;
    callbacks.recv_retry = on_retry;
    callbacks.recv_new_token = on_new_token;
  }
  callbacks.recv_crypto_data = on_crypto_data;
  callbacks.handshake_completed = on_handshake_completed;
  callbacks.version_negotiation = on_compatible_version;
  callbacks.encrypt = encrypt_packet;
  callbacks.decrypt = decrypt_packet;
  callbacks.hp_mask = mask_header;
  callbacks.update_key = update_keys;
  callbacks.delete_crypto_aead_ctx = delete_packet_key;
  callbacks.delete_crypto_cipher_ctx = delete_header_key;
  callbacks.recv_tx_key = on_send_key;
  callbacks.stream_open = on_stream_open;
  callbacks.recv_stream_data = on_stream_data;
  callbacks.acked_stream_data_offset = on_stream_acked;
  callbacks.stream_close = on_stream_closed;
  callbacks.stream_reset = on_stream_reset;
  callbacks.extend_max_stream_data = on_more_credit;
  callbacks.extend_max_local_streams_bidi = on_more_bidi;
  callbacks.extend_max_local_streams_uni = on_more_uni;
  callbacks.recv_datagram = on_datagram;
  callbacks.ack_datagram = on_datagram_acked;
  callbacks.lost_datagram = on_datagram_lost;
  callbacks.rand = fill_random;
  callbacks.get_path_challenge_data = fill_path_challenge;
  callbacks.get_new_connection_id = on_new_id;
  callbacks.remove_connection_id = on_retired_id;
  callbacks.path_validation = on_path_validation;
  callbacks.recv_stateless_reset = on_stateless_reset;
  return callbacks;
}

}  // namespace

const ngtcp2_callbacks& native_callbacks(bool is_server) {
  static const ngtcp2_callbacks server = make_callbacks(true);
  static const ngtcp2_callbacks client = make_callbacks(false);
  return is_server ? server : client;
}

void Connection::State::become_ready() {
  gnutls_datum_t chosen{};
  if (gnutls_alpn_get_selected_protocol(session.get(), &chosen) == 0) {
    alpn.assign(reinterpret_cast<const char*>(chosen.data), chosen.size);
  }
  ready = true;
  if (is_server) {
    visitor = endpoint.visitor.on_connection(*connection);
    if (visitor == nullptr) {
      request_close({CloseReason::Kind::protocol, NGTCP2_CONNECTION_REFUSED,
                     "the server refused the connection: it is full or shutting down, perhaps"});
      ++endpoint.counters.refused_count;
    }
  }
  if (is_live()) visitor->on_ready();
}

void Connection::State::send_token(const ngtcp2_path& where) {
  std::array<std::uint8_t, NGTCP2_CRYPTO_MAX_REGULAR_TOKENLEN> token;
  const auto& secret = endpoint.config.token_secret;
  const ngtcp2_ssize size = ngtcp2_crypto_generate_regular_token(token.data(), secret.data(), secret.size(),
                                                                 where.remote.addr, where.remote.addrlen, endpoint.now);
  if (size > 0) ngtcp2_conn_submit_new_token(conn.get(), token.data(), static_cast<std::size_t>(size));
}

void Connection::State::complete_handshake() {
  handshake_completed = true;
  heard = endpoint.now;
  if (gnutls_session_is_resumed(session.get()) != 0) ++endpoint.counters.resumed_count;
  if (is_server) {
    gnutls_session_ticket_send(session.get(), 1, 0);  // without one the next handshake is a full one
    free_tls = true;
    leave_handshakes();
    send_token(*ngtcp2_conn_get_path(conn.get()));
  } else {
    become_ready();
  }
  const Settings& settings = endpoint.config.settings;
  const Duration keep_alive = is_server ? settings.keep_alive_server : settings.keep_alive_client;
  if (keep_alive > Duration::zero()) {
    ngtcp2_conn_set_keep_alive_timeout(conn.get(), static_cast<std::uint64_t>(keep_alive.count()));
  }
  if (is_live()) visitor->on_handshake_completed();
}

}  // namespace plait::quic
