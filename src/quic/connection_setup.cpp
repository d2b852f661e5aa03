// How a connection begins: ngtcp2 and GnuTLS made for it, a server's and a client's, and what a client keeps to resume.
#include <algorithm>

#include <gnutls/crypto.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>

#include "crypto/certificate.hpp"
#include "quic/connection_state.hpp"
#include "quic/endpoint_state.hpp"

namespace plait::quic {
namespace {

ngtcp2_conn* find_native(ngtcp2_crypto_conn_ref* reference) {
  return static_cast<Connection::State*>(reference->user_data)->conn.get();
}

std::uint64_t native(Duration duration) {
  return static_cast<std::uint64_t>(std::max<Duration::rep>(duration.count(), 0));
}

/// Of a client: one ticket is enough, and nothing else is expected of TLS (RFC 9001 §4.4, §6), so its state can go.
int on_ticket(gnutls_session_t session, unsigned /*type*/, unsigned /*when*/, unsigned /*incoming*/,
              const gnutls_datum_t* /*message*/) {
  auto* reference = static_cast<ngtcp2_crypto_conn_ref*>(gnutls_session_get_ptr(session));
  auto& state = *static_cast<Connection::State*>(reference->user_data);
  state.keep_ticket();
  state.free_tls = true;
  return 0;
}

ngtcp2_cc_algo native(CongestionControl control) {
  return control == CongestionControl::bbr ? NGTCP2_CC_ALGO_BBR : NGTCP2_CC_ALGO_CUBIC;
}

ngtcp2_settings native_settings(const Settings& from, const Path& path, RandomSource& random, NativeTime now) {
  ngtcp2_settings settings;
  ngtcp2_settings_default(&settings);
  settings.initial_ts = now;
  settings.rand_ctx.native_handle = &random;
  settings.cc_algo = native(from.congestion_control);
  settings.initial_rtt = native(from.initial_rtt);
  settings.handshake_timeout = native(from.handshake_timeout);
  settings.max_stream_window = from.stream_credit_bytes_max;
  settings.max_window = from.connection_credit_bytes_max;
  settings.ack_thresh = from.acknowledge_packets;
  const std::vector<std::uint16_t>& probes = path.remote.is_loopback() ? from.loopback_mtu_probes : from.mtu_probes;
  settings.pmtud_probes = probes.data();
  settings.pmtud_probeslen = probes.size();
  // no_pmtud stays off even without probes: ngtcp2 1.11 aborts the process with it when a client moves to a new path
  // and back. The largest size, below, says the same.
  settings.max_tx_udp_payload_size = NGTCP2_MAX_UDP_PAYLOAD_SIZE;
  for (const std::uint16_t probe : probes) {
    settings.max_tx_udp_payload_size = std::max<std::size_t>(settings.max_tx_udp_payload_size, probe);
  }
  return settings;
}

ngtcp2_transport_params native_parameters(const Settings& from) {
  ngtcp2_transport_params parameters;
  ngtcp2_transport_params_default(&parameters);
  parameters.max_idle_timeout = native(from.idle_timeout);
  parameters.initial_max_stream_data_bidi_local = from.stream_credit_bytes;
  parameters.initial_max_stream_data_bidi_remote = from.stream_credit_bytes;
  parameters.initial_max_stream_data_uni = from.stream_credit_bytes;
  parameters.initial_max_data = from.connection_credit_bytes;
  parameters.initial_max_streams_bidi = from.streams_bidi_max;
  parameters.initial_max_streams_uni = from.streams_uni_max;
  parameters.max_datagram_frame_size = from.datagram_frame_bytes_max;
  parameters.active_connection_id_limit = 3;  // in use, for a migration, and for one more
  return parameters;
}

void write_qlog(void* user, std::uint32_t /*flags*/, const void* record, std::size_t size) {
  const ByteView bytes{static_cast<const std::uint8_t*>(record), size};
  if (!bytes.empty()) static_cast<Connection::State*>(user)->qlog->write(bytes);
}

}  // namespace

Connection::State::State(Endpoint::State& owner, bool server, NativeTime now)
    : endpoint(owner),
      is_server(server),
      scan({owner.config.settings.odd_frames_burst, owner.config.settings.odd_frames_per_second},
           {owner.config.settings.cancel_frames_burst, owner.config.settings.cancel_frames_per_second},
           time_point(now)),
      datagrams(owner.config.settings.datagram_queue_bytes_max, owner.config.settings.datagram_queue_count_max,
                owner.config.settings.datagram_age_max) {
  reference.get_conn = find_native;
  reference.user_data = this;
}

Connection::State::~State() {
  leave_handshakes();
  endpoint.ready.remove(*this);
  endpoint.expiries.remove(*this);
  while (!ids.empty()) endpoint.remove_id(*this, {ids.back().bytes.data(), ids.back().bytes.back()});
}

bool Connection::State::set_up_server(const Path& from, const Accept& accept, NativeTime now) {
  server_tls = endpoint.config.server_tls->state();
  session = make_server_session(*server_tls, &reference);
  if (!session || ngtcp2_crypto_gnutls_configure_server_session(session.get()) != 0) return false;
  gnutls_handshake_set_secret_function(session.get(), handle_secrets);
  if (server_tls->client_check != ClientCheck::off) {
    gnutls_session_set_verify_function(session.get(), [](gnutls_session_t of) {
      auto* found = static_cast<ngtcp2_crypto_conn_ref*>(gnutls_session_get_ptr(of));
      auto& state = *static_cast<State*>(found->user_data);
      return state.note_verified(verify_client(of, *state.server_tls, state.client_certificate));
    });
  }

  gnutls_handshake_set_post_client_hello_function(session.get(), [](gnutls_session_t of) {
    auto* found = static_cast<ngtcp2_crypto_conn_ref*>(gnutls_session_get_ptr(of));
    choose_certificate(of, *static_cast<State*>(found->user_data)->server_tls);
    return 0;
  });

  const ngtcp2_cid id = endpoint.make_connection_id();
  ngtcp2_settings settings = native_settings(endpoint.config.settings, from, endpoint.random, now);
  settings.token = accept.header.token;
  settings.tokenlen = accept.token_type == NGTCP2_TOKEN_TYPE_UNKNOWN ? 0 : accept.header.tokenlen;
  settings.token_type = accept.token_type;
  ngtcp2_transport_params parameters = native_parameters(endpoint.config.settings);
  parameters.original_dcid_present = 1;
  parameters.original_dcid = accept.original_id.value_or(accept.header.dcid);
  if (accept.original_id) {
    parameters.retry_scid_present = 1;
    parameters.retry_scid = accept.header.dcid;
  }
  if (endpoint.config.make_qlog) qlog = endpoint.config.make_qlog(view(parameters.original_dcid));
  if (qlog) settings.qlog_write = write_qlog;
  parameters.stateless_reset_token_present = 1;
  if (!endpoint.make_reset_token(id, parameters.stateless_reset_token)) return false;

  const ngtcp2_path where = quic::native(from);
  ngtcp2_conn* made = nullptr;
  if (ngtcp2_conn_server_new(&made, &accept.header.scid, &id, &where, accept.header.version, &native_callbacks(true),
                             &settings, &parameters, nullptr, this) != 0) {
    return false;
  }
  conn.reset(made);
  ngtcp2_conn_set_tls_native_handle(made, session.get());
  path = from;
  peer = from.remote;
  has_token = accept.token_type != NGTCP2_TOKEN_TYPE_UNKNOWN;
  endpoint.add_id(*this, view(id));
  endpoint.add_id(*this, view(accept.header.dcid));
  handshake_place = endpoint.handshakes.insert(endpoint.handshakes.end(), this);
  return true;
}

bool Connection::State::set_up_client(const Path& to, const std::string& name, const ClientTls& with, NativeTime now) {
  client =
      std::make_unique<Client>(Client{.tls = with.state(), .host = crypto::without_final_dot(name), .tickets = {}});
  session = make_client_session(*client->tls, client->host, &reference);
  if (!session || ngtcp2_crypto_gnutls_configure_client_session(session.get()) != 0) return false;
  gnutls_handshake_set_secret_function(session.get(), handle_secrets);
  gnutls_session_set_verify_function(session.get(), [](gnutls_session_t of) {
    auto* found = static_cast<ngtcp2_crypto_conn_ref*>(gnutls_session_get_ptr(of));
    auto& state = *static_cast<State*>(found->user_data);
    return state.note_verified(verify_server(of, *state.client->tls, state.client->host));
  });
  gnutls_handshake_set_hook_function(session.get(), GNUTLS_HANDSHAKE_NEW_SESSION_TICKET, GNUTLS_HOOK_POST, on_ticket);

  const ngtcp2_cid id = endpoint.make_connection_id();
  ngtcp2_cid first_destination = endpoint.make_connection_id();
  endpoint.random.fill({first_destination.data, first_destination.datalen});
  path = to;
  peer = to.remote;
  ngtcp2_settings settings = native_settings(endpoint.config.settings, to, endpoint.random, now);
  std::vector<std::uint8_t> token;
  resume(settings, token);
  const ngtcp2_transport_params parameters = native_parameters(endpoint.config.settings);
  const ngtcp2_path where = quic::native(to);
  ngtcp2_conn* made = nullptr;
  if (ngtcp2_conn_client_new(&made, &first_destination, &id, &where, NGTCP2_PROTO_VER_V1, &native_callbacks(false),
                             &settings, &parameters, nullptr, this) != 0) {
    return false;
  }
  conn.reset(made);
  ngtcp2_conn_set_tls_native_handle(made, session.get());
  endpoint.add_id(*this, view(id));
  return true;
}

int Connection::State::note_verified(std::string failure) {
  if (failure.empty()) return 0;
  tls_failure = std::make_unique<std::string>(std::move(failure));
  return -1;
}

// What an earlier connection has left. A ticket that GnuTLS does not take (any more) means a full handshake.
void Connection::State::resume(ngtcp2_settings& settings, std::vector<std::uint8_t>& token) {
  if (!client->tls->config.resume) return;
  const auto ticket = endpoint.resumption.take_ticket(server());
  const auto& clock = client->tls->config.wall_clock;
  if (ticket && (!clock || clock() < ticket->usable_until)) {
    static_cast<void>(gnutls_session_set_data(session.get(), ticket->data.data(), ticket->data.size()));
  }
  auto given = endpoint.resumption.take_token(server());
  if (!given) return;
  token = std::move(*given);
  settings.token = token.data();
  settings.tokenlen = token.size();
  settings.token_type = NGTCP2_TOKEN_TYPE_NEW_TOKEN;
}

void Connection::State::keep_ticket() {
  gnutls_datum_t data{};
  if (!client->tls->config.resume) return;
  if (gnutls_session_get_data2(session.get(), &data) != 0) return;
  const auto& clock = client->tls->config.wall_clock;
  const WallTime usable_until = certificates_expiry(session.get(), clock ? clock() : WallTime::min());
  endpoint.resumption.add_ticket(server(), {{data.data, data.data + data.size}, usable_until});
  gnutls_memset(data.data, 0, data.size);
  gnutls_free(data.data);
}

}  // namespace plait::quic
