// What a Connection is made of. For the files of this layer.
//
// connection_setup.cpp makes it; connection_callbacks.cpp hears ngtcp2; connection_keys.cpp gives ngtcp2 its keys;
// connection_streams.cpp does what the owner asks for; connection_write.cpp makes packets; connection_end.cpp ends it.
//
// Ended means: the visitor was told and ngtcp2's state is gone. What remains, for three PTOs (RFC 9000 §10.2), answers
// late packets with the CONNECTION_CLOSE that was sent, and keeps the connection IDs from being taken for unknown ones.
#pragma once

#include <gnutls/gnutls.h>
#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/id_map.hpp"
#include "quic/black_hole.hpp"
#include "quic/connection.hpp"
#include "quic/connection_ids.hpp"
#include "quic/datagram_queue.hpp"
#include "quic/endpoint.hpp"
#include "quic/frame_scan.hpp"
#include "quic/intrusive_list.hpp"
#include "quic/native.hpp"
#include "quic/resumption_cache.hpp"
#include "quic/send_schedule.hpp"
#include "quic/stream.hpp"
#include "quic/ticket_stream.hpp"
#include "quic/tls_state.hpp"

namespace plait::quic {

struct Connection::State {
  enum class Phase : std::uint8_t {
    open,      // ngtcp2's state lives
    closing,   // we sent CONNECTION_CLOSE
    draining,  // the peer ended it
    dead,      // to be freed
  };
  struct NativeDelete {
    void operator()(ngtcp2_conn* gone) const { ngtcp2_conn_del(gone); }
  };
  /// Of ConnectionStats, what ngtcp2 does not tell.
  struct Counters {
    std::uint64_t sent_bytes = 0;
    std::uint64_t received_bytes = 0;
    std::uint64_t sent_packet_count = 0;
    std::uint64_t received_packet_count = 0;
    std::uint64_t lost_packet_count = 0;  // of streams that are gone
  };
  /// What only a client has.
  struct Client {
    std::shared_ptr<const ClientTls::State> tls;
    std::string host;
    TicketStream tickets;
  };

  State(Endpoint::State& owner, bool server, NativeTime now);
  ~State();

  // --- connection_setup.cpp ---------------------------------------------------------------------------------------
  /// A client's first Initial packet, and what its token has proven.
  struct Accept {
    const ngtcp2_pkt_hd& header;
    std::optional<ngtcp2_cid> original_id;  ///< with a valid Retry token
    ngtcp2_token_type token_type = NGTCP2_TOKEN_TYPE_UNKNOWN;
  };
  bool set_up_server(const Path& from, const Accept& accept, NativeTime now);
  bool set_up_client(const Path& to, const std::string& name, const ClientTls& with, NativeTime now);
  /// What GnuTLS is to be told of the peer's certificate; `failure` is empty if it is in order.
  int note_verified(std::string failure);

  // --- input and time (connection_end.cpp) ------------------------------------------------------------------------
  void handle_datagram(const Path& from, ByteView datagram, Ecn ecn, NativeTime now);
  /// Without counting it: it may be another connection's. While open only.
  void read_datagram(const Path& from, ByteView datagram, Ecn ecn, NativeTime now);
  void note_heard(NativeTime now);
  /// What one time is enough for after several datagrams.
  void settle(NativeTime now);
  void handle_expiry(NativeTime now);
  /// Of a connection that is closing.
  [[nodiscard]] bool may_repeat_close() const;
  void handle_refused(NativeTime now);
  [[nodiscard]] ngtcp2_conn_info native_info() const;
  /// On loopback a silent peer is one that is stopped: no MTU shrinks there.
  void look_for_black_hole(NativeTime now);
  /// Of the path, as far as it is known to carry.
  [[nodiscard]] std::size_t path_payload_bytes_max();
  /// When a peer that answers nothing is given up.
  [[nodiscard]] NativeTime silence_deadline() const;
  /// Reads the deadlines anew.
  void update_expiry();
  [[nodiscard]] bool needs_exact_timers() const;

  // --- output (connection_write.cpp) ------------------------------------------------------------------------------
  /// Sets `more` if another call may give more.
  std::optional<Transmit> poll_transmit(MutableByteView buffer, NativeTime now, bool& more);
  [[nodiscard]] bool is_paced() const;
  [[nodiscard]] std::size_t first_packet_bytes_max(std::size_t full);
  void count_packet(ByteView datagram, std::size_t full);
  void count_towards_large_packets();
  ngtcp2_ssize write_packet(ngtcp2_path* to, ngtcp2_pkt_info* info, MutableByteView out, NativeTime now);
  struct PacketUnderWay;
  bool write_streams(PacketUnderWay& packet);
  bool write_stream(PacketUnderWay& packet, Stream& stream);
  bool write_before_reset(PacketUnderWay& packet, Stream& stream);
  bool write_datagrams(PacketUnderWay& packet);
  void purge_datagrams(NativeTime now);
  void tell_before_packets(NativeTime now);
  std::optional<Transmit> poll_close_packet(MutableByteView buffer);

  // --- streams (connection_streams.cpp) ---------------------------------------------------------------------------
  Stream* find(StreamId id);
  Stream& add_stream(StreamId id);
  void drop_writing(Stream& stream);
  void retire(Stream& stream);
  void want_transmit();
  void report_stop_sending();
  void note_ends();
  void report_more_streams();
  void note_end(Stream& stream);
  void note_short_frames();
  /// Has note_ends() look at a stream again, outside of ngtcp2's callbacks, if its end has come.
  void look_again(const Stream& stream);
  void report_stopped_end(Stream& stream);
  void close_if_over(Stream& stream);
  /// Of one that ngtcp2 keeps, perhaps until the connection ends.
  void close_before_ngtcp2(Stream& stream, std::optional<std::uint64_t> code);
  void close_stream(Stream& stream, std::optional<std::uint64_t> code);
  void note_acked(Stream& stream, std::uint64_t offset);
  void report_acked();
  void give_credit_back();
  void send_stops();
  void note_fate(DatagramId id, DatagramFate fate);
  void report_fates();
  void report_sent();

  // --- the end (connection_end.cpp) -------------------------------------------------------------------------------
  /// By an error of ngtcp2's. Outside of its callbacks only, as the two below.
  [[nodiscard]] NativeTime linger_until(NativeTime now) const;
  void fail(int error, NativeTime now);
  void send_close(const ngtcp2_ccerr& error, const CloseReason& reason, NativeTime now);
  void end(Phase next, const CloseReason& reason, NativeTime linger_until);
  /// To be freed at the end of the call.
  void bury();
  CloseReason reason_of_peer() const;
  void after_callbacks(NativeTime now);
  void request_close(CloseReason reason);
  void close_if_requested(NativeTime now);
  void leave_handshakes();

  /// Whether the visitor may be called.
  [[nodiscard]] bool is_live() const { return phase == Phase::open && !close_requested && visitor != nullptr; }

  /// Of the client, before the handshake is completed (RFC 9000 §8.1).
  [[nodiscard]] bool is_address_proven() const { return has_token || scan.heard_handshake(); }

  // --- the handshake (connection_callbacks.cpp) -------------------------------------------------------------------
  void become_ready();
  void complete_handshake();
  /// Server: an address validation token for the client's next connection, from where it is now (RFC 9000 §8.1.3).
  void send_token(const ngtcp2_path& where);

  // --- resumption (connection_setup.cpp) --------------------------------------------------------------------------
  void resume(ngtcp2_settings& settings, std::vector<std::uint8_t>& token);
  void keep_ticket();
  [[nodiscard]] ResumptionCache::Server server() const { return {client->tls, client->host, path.remote}; }

  // --- keys (connection_keys.cpp) ---------------------------------------------------------------------------------
  bool install_initial_keys(ByteView destination_connection_id);
  bool install_keys(ngtcp2_encryption_level level, ByteView rx_secret, ByteView tx_secret);

  Endpoint::State& endpoint;
  Connection* connection = nullptr;  // that owns this
  ConnectionVisitor* visitor = nullptr;
  const bool is_server;
  Phase phase = Phase::open;
  bool ready = false;
  bool handshake_completed = false;
  bool stateless_reset = false;
  bool wants_retry = false;  // the endpoint is to answer the first packet with Retry
  bool has_token = false;    // that proves the address, in the first packet
  bool free_tls = false;     // after the callback
  bool datagrams_first = false;
  bool awaits_bidi = false;  // Connection::await_streams
  bool awaits_uni = false;
  bool more_bidi = false;  // the peer's MAX_STREAMS, until it is reported
  bool more_uni = false;
  bool listed = false;
  Cipher cipher = Cipher::aes_128_gcm;
  bool wants_large_packets = false;        // Settings::kLargeProbesAfterUses
  std::uint8_t large_packet_uses = 0;      // until then
  std::uint8_t batches_before_probes = 0;  // because something else waited
  bool heard_since_sent = false;           // anything, since the last packet of ours
  bool heard_large_since_sent = false;     // likewise
  std::uint8_t lone_packets_awaited = 0;   // until a peer that sent several, a large one among them, counts as idle
  std::unique_ptr<CloseReason> close_requested;  // kind local, or protocol with one of our codes

  ngtcp2_crypto_conn_ref reference{};  // what GnuTLS finds this by
  Session session;
  std::unique_ptr<QlogWriter> qlog;  // most often none; conn writes into it
  std::unique_ptr<ngtcp2_conn, NativeDelete> conn;
  std::shared_ptr<const ServerTls::State> server_tls;
  std::unique_ptr<Client> client;
  std::string alpn;
  std::unique_ptr<std::string> tls_failure;               // a sentence
  std::unique_ptr<ClientCertificate> client_certificate;  // server, if one was shown
  Path path;
  Address peer;                   // that the peer has shown to receive at; the one that it began with until then
  std::vector<ConnectionId> ids;  // that lead here
  FrameScan scan;
  std::uint64_t gap_count = 0;             // of all streams
  std::uint64_t unfreed_stream_count = 0;  // that have ended and that ngtcp2 keeps
  std::uint64_t unacknowledged_bytes = 0;  // of all streams, and sent

  core::IdMap<StreamId, Stream> streams;
  std::vector<decltype(streams)::Extracted> retired;  // freed outside of callbacks
  Stream* acked = nullptr;                            // the first of them
  Stream* consumed = nullptr;                         // the same
  std::vector<FrameScan::StopSending> unsent_stops;   // STOP_SENDING that ngtcp2 is to send
  SendSchedule writable;
  DatagramQueue datagrams;
  std::vector<std::pair<DatagramId, DatagramFate>> fates;  // that the visitor has not been told
  std::vector<StreamId> sent;                              // the same: streams that were to be told of
  BlackHole black_hole;

  std::vector<std::uint8_t> close_packet;
  Ecn close_ecn = Ecn::not_ect;
  bool close_packet_due = false;
  std::uint32_t late_packet_count = 0;

  Counters counters;

  // Times, and places in the endpoint's lists.
  NativeTime heard = 0;       // the last genuine packet, since the handshake
  NativeTime asked = kNever;  // since then something is in flight
  std::uint64_t expiry = kNever;
  std::size_t heap_place = SIZE_MAX;
  std::optional<std::list<State*>::iterator> handshake_place;  // of a client's that is not finished
  State* list_next = nullptr;
  State* list_previous = nullptr;
};

/// ngtcp2's callbacks, which are the same for all connections of a role.
const ngtcp2_callbacks& native_callbacks(bool is_server);
// connection_keys.cpp. ngtcp2 calls the first six; GnuTLS hands out secrets through the last.
int encrypt_packet(std::uint8_t* out, const ngtcp2_crypto_aead* aead, const ngtcp2_crypto_aead_ctx* handle,
                   const std::uint8_t* plaintext, std::size_t size, const std::uint8_t* nonce, std::size_t nonce_size,
                   const std::uint8_t* associated, std::size_t associated_size);
int decrypt_packet(std::uint8_t* out, const ngtcp2_crypto_aead* aead, const ngtcp2_crypto_aead_ctx* handle,
                   const std::uint8_t* ciphertext, std::size_t size, const std::uint8_t* nonce, std::size_t nonce_size,
                   const std::uint8_t* associated, std::size_t associated_size);
int mask_header(std::uint8_t* out, const ngtcp2_crypto_cipher* cipher, const ngtcp2_crypto_cipher_ctx* handle,
                const std::uint8_t* sample);
void delete_packet_key(ngtcp2_conn* conn, ngtcp2_crypto_aead_ctx* handle, void* user);
void delete_header_key(ngtcp2_conn* conn, ngtcp2_crypto_cipher_ctx* handle, void* user);
int update_keys(ngtcp2_conn* conn, std::uint8_t* rx_secret, std::uint8_t* tx_secret, ngtcp2_crypto_aead_ctx* rx,
                std::uint8_t* rx_iv, ngtcp2_crypto_aead_ctx* tx, std::uint8_t* tx_iv, const std::uint8_t* old_rx_secret,
                const std::uint8_t* old_tx_secret, std::size_t size, void* user);
int handle_secrets(gnutls_session_t session, gnutls_record_encryption_level_t level, const void* rx_secret,
                   const void* tx_secret, std::size_t size);

}  // namespace plait::quic
