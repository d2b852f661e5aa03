#include "bench/components/bulk/quic_pipe.hpp"

#include "crypto/random.hpp"
#include "quic/endpoint.hpp"
#include "quic/key_schedule.hpp"

#include <fmt/core.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>

#include <algorithm>
#include <cstring>
#include <optional>

namespace plait::bench {

namespace {

using quic::Cipher;

constexpr Cipher kCipher = Cipher::aes_128_gcm;
constexpr std::size_t kIdBytes = 8;
constexpr std::size_t kBatchesPerTurn = 16;  // as plait's own

ngtcp2_crypto_ctx crypto_context() {
  static int marker = 0;
  ngtcp2_crypto_ctx context{};
  context.aead = {&marker, quic::kTagBytes};
  context.md.native_handle = &marker;
  context.hp.native_handle = &marker;
  context.max_encryption = std::uint64_t{1} << 23;
  context.max_decryption_failure = std::uint64_t{1} << 52;
  return context;
}

/// One direction's keys; ngtcp2 owns them from release() on.
struct Keys {
  quic::DirectionKeys bytes;
  std::unique_ptr<quic::PacketKey> packet;
  std::unique_ptr<quic::HeaderKey> header;
  ngtcp2_crypto_aead_ctx aead{};
  ngtcp2_crypto_cipher_ctx cipher{};

  explicit Keys(ByteView secret)
      : bytes(quic::derive_keys(kCipher, quic::Hash::sha256, secret).value_or(quic::DirectionKeys{})),
        packet(quic::make_packet_key(kCipher, ByteView{bytes.key}.first(quic::key_bytes(kCipher)))),
        header(quic::make_header_key(kCipher, ByteView{bytes.header_key}.first(quic::key_bytes(kCipher)))),
        aead{packet.get()},
        cipher{header.get()} {}
  bool release(int status) {
    if (status != 0) return false;
    static_cast<void>(packet.release());
    static_cast<void>(header.release());
    return true;
  }
};

ngtcp2_cid random_id() {
  std::array<std::uint8_t, kIdBytes> bytes;
  crypto::random_bytes(bytes);
  ngtcp2_cid id;
  ngtcp2_cid_init(&id, bytes.data(), bytes.size());
  return id;
}

ngtcp2_transport_params parameters() {
  const quic::Settings from;
  ngtcp2_transport_params out;
  ngtcp2_transport_params_default(&out);
  out.initial_max_stream_data_bidi_local = out.initial_max_stream_data_bidi_remote = from.stream_credit_bytes;
  out.initial_max_data = from.connection_credit_bytes;
  out.initial_max_streams_bidi = from.streams_bidi_max;
  return out;
}

}  // namespace

/// What ngtcp2 and GnuTLS call.
struct QuicPipe::Callbacks {
  static QuicPipe& self(void* user) { return *static_cast<QuicPipe*>(user); }
  static int status(bool done) { return done ? 0 : NGTCP2_ERR_CALLBACK_FAILURE; }

  static int client_initial(ngtcp2_conn* conn, void* user) {
    if (!self(user).install_initial(*ngtcp2_conn_get_dcid(conn))) return NGTCP2_ERR_CALLBACK_FAILURE;
    return status(ngtcp2_crypto_read_write_crypto_data(conn, NGTCP2_ENCRYPTION_LEVEL_INITIAL, nullptr, 0) == 0);
  }
  static int first_packet(ngtcp2_conn* /*conn*/, const ngtcp2_cid* destination, void* user) {
    return status(self(user).install_initial(*destination));
  }
  static int retry(ngtcp2_conn* /*conn*/, const ngtcp2_pkt_hd* /*header*/, void* /*user*/) {
    return NGTCP2_ERR_CALLBACK_FAILURE;  // our server sends none
  }
  static int secrets(gnutls_session_t session, gnutls_record_encryption_level_t level, const void* rx, const void* tx,
                     std::size_t size) {
    QuicPipe& pipe = self(static_cast<ngtcp2_crypto_conn_ref*>(gnutls_session_get_ptr(session))->user_data);
    if (gnutls_cipher_get(session) != GNUTLS_CIPHER_AES_128_GCM) return -1;
    const ngtcp2_crypto_ctx context = crypto_context();
    ngtcp2_conn_set_crypto_ctx(pipe.conn_.get(), &context);
    const auto view = [size](const void* data) {
      return data == nullptr ? ByteView{} : ByteView{static_cast<const std::uint8_t*>(data), size};
    };
    const auto native = ngtcp2_crypto_gnutls_from_gnutls_record_encryption_level(level);
    return pipe.install(native, view(rx), view(tx)) ? 0 : -1;
  }
  static int encrypt(std::uint8_t* out, const ngtcp2_crypto_aead* /*aead*/, const ngtcp2_crypto_aead_ctx* key,
                     const std::uint8_t* text, std::size_t size, const std::uint8_t* nonce, std::size_t /*nonce_size*/,
                     const std::uint8_t* associated, std::size_t associated_size) {
    auto& packet = *static_cast<quic::PacketKey*>(key->native_handle);
    return status(packet.seal(out, {text, size}, nonce, {associated, associated_size}));
  }
  static int decrypt(std::uint8_t* out, const ngtcp2_crypto_aead* /*aead*/, const ngtcp2_crypto_aead_ctx* key,
                     const std::uint8_t* text, std::size_t size, const std::uint8_t* nonce, std::size_t /*nonce_size*/,
                     const std::uint8_t* associated, std::size_t associated_size) {
    auto& packet = *static_cast<quic::PacketKey*>(key->native_handle);
    return packet.open(out, {text, size}, nonce, {associated, associated_size}) ? 0 : NGTCP2_ERR_DECRYPT;
  }
  static int mask(std::uint8_t* out, const ngtcp2_crypto_cipher* /*cipher*/, const ngtcp2_crypto_cipher_ctx* key,
                  const std::uint8_t* sample) {
    return status(static_cast<quic::HeaderKey*>(key->native_handle)->mask(out, sample));
  }
  static void delete_packet_key(ngtcp2_conn* /*conn*/, ngtcp2_crypto_aead_ctx* key, void* /*user*/) {
    delete static_cast<quic::PacketKey*>(key->native_handle);
  }
  static void delete_header_key(ngtcp2_conn* /*conn*/, ngtcp2_crypto_cipher_ctx* key, void* /*user*/) {
    delete static_cast<quic::HeaderKey*>(key->native_handle);
  }
  static int update(ngtcp2_conn* /*conn*/, std::uint8_t* rx_secret, std::uint8_t* tx_secret, ngtcp2_crypto_aead_ctx* rx,
                    std::uint8_t* rx_iv, ngtcp2_crypto_aead_ctx* tx, std::uint8_t* tx_iv, const std::uint8_t* rx_old,
                    const std::uint8_t* tx_old, std::size_t size, void* /*user*/) {
    const auto next = [size](const std::uint8_t* old, std::uint8_t* secret, std::uint8_t* iv) {
      quic::expand_label(quic::Hash::sha256, {old, size}, "quic ku", {secret, size});
      Keys keys{{secret, size}};
      std::copy(keys.bytes.iv.begin(), keys.bytes.iv.end(), iv);
      return keys.packet.release();
    };
    rx->native_handle = next(rx_old, rx_secret, rx_iv);
    tx->native_handle = next(tx_old, tx_secret, tx_iv);
    return 0;
  }
  static int stream_data(ngtcp2_conn* conn, std::uint32_t flags, std::int64_t id, std::uint64_t /*offset*/,
                         const std::uint8_t* data, std::size_t size, void* user, void* /*stream*/) {
    QuicPipe& pipe = self(user);
    pipe.stream_ = id;
    pipe.take({data, size}, (flags & NGTCP2_STREAM_DATA_FLAG_FIN) != 0);
    ngtcp2_conn_extend_max_stream_offset(conn, id, size);
    ngtcp2_conn_extend_max_offset(conn, size);
    return 0;
  }
  static int stream_closed(ngtcp2_conn* conn, std::uint32_t /*flags*/, std::int64_t id, std::uint64_t /*code*/,
                           void* /*user*/, void* /*stream*/) {
    if (ngtcp2_conn_is_local_stream(conn, id) == 0) ngtcp2_conn_extend_max_streams_bidi(conn, 1);
    return 0;
  }
  static void random(std::uint8_t* out, std::size_t size, const ngtcp2_rand_ctx* /*context*/) {
    crypto::random_bytes({out, size});
  }
  static int new_id(ngtcp2_conn* /*conn*/, ngtcp2_cid* id, std::uint8_t* token, std::size_t /*size*/, void* /*user*/) {
    *id = random_id();
    crypto::random_bytes({token, NGTCP2_STATELESS_RESET_TOKENLEN});
    return 0;
  }
  static int path_challenge(ngtcp2_conn* /*conn*/, std::uint8_t* out, void* /*user*/) {
    crypto::random_bytes({out, NGTCP2_PATH_CHALLENGE_DATALEN});
    return 0;
  }
  static int other_version(ngtcp2_conn* /*conn*/, std::uint32_t /*version*/, const ngtcp2_cid* /*id*/, void* /*user*/) {
    return NGTCP2_ERR_CALLBACK_FAILURE;
  }

  static ngtcp2_callbacks make() {
    ngtcp2_callbacks out{};
    out.client_initial = client_initial;
    out.recv_client_initial = first_packet;
    out.recv_retry = retry;
    out.recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb;
    out.encrypt = encrypt;
    out.decrypt = decrypt;
    out.hp_mask = mask;
    out.update_key = update;
    out.delete_crypto_aead_ctx = delete_packet_key;
    out.delete_crypto_cipher_ctx = delete_header_key;
    out.recv_stream_data = stream_data;
    out.stream_close = stream_closed;
    out.rand = random;
    out.get_new_connection_id = new_id;
    out.get_path_challenge_data = path_challenge;
    out.version_negotiation = other_version;
    return out;
  }
};

// --- The connection's beginning --------------------------------------------------------------------------------------

QuicPipe::QuicPipe(UdpPipe& udp, const sockaddr_in& remote, std::size_t packet_bytes)
    : udp_(udp), remote_(remote), probes_(quic::Settings{}.loopback_mtu_probes) {
  std::erase_if(probes_, [packet_bytes](std::uint16_t probe) { return probe > packet_bytes; });
  buffer_.resize(quic::Endpoint::kTransmitBytesMax);
  reference_.get_conn = [](ngtcp2_crypto_conn_ref* of) { return Callbacks::self(of->user_data).conn_.get(); };
  reference_.user_data = this;
}

ngtcp2_path QuicPipe::path() const {
  const auto address = [](const sockaddr_in& from) {
    return ngtcp2_addr{reinterpret_cast<ngtcp2_sockaddr*>(const_cast<sockaddr_in*>(&from)), sizeof from};
  };
  return {address(udp_.name()), address(remote_), nullptr};
}

ngtcp2_settings QuicPipe::settings() const {
  const quic::Settings from;
  ngtcp2_settings out;
  ngtcp2_settings_default(&out);
  out.initial_ts = now_ns();
  out.cc_algo = NGTCP2_CC_ALGO_CUBIC;
  out.max_stream_window = from.stream_credit_bytes_max;
  out.max_window = from.connection_credit_bytes_max;
  out.ack_thresh = from.acknowledge_packets;
  out.pmtud_probes = probes_.data();
  out.pmtud_probeslen = probes_.size();
  out.no_pmtud = probes_.empty() ? 1 : 0;
  for (const std::uint16_t probe : probes_) {
    out.max_tx_udp_payload_size = std::max<std::size_t>(out.max_tx_udp_payload_size, probe);
  }
  if (probes_.empty()) out.max_tx_udp_payload_size = NGTCP2_MAX_UDP_PAYLOAD_SIZE;
  return out;
}

bool QuicPipe::attach(ngtcp2_conn* conn, int status, quic::Session session) {
  conn_.reset(status == 0 ? conn : nullptr);
  session_ = std::move(session);
  if (conn_) ngtcp2_conn_set_tls_native_handle(conn, session_.get());
  return conn_ != nullptr;
}

std::unique_ptr<QuicPipe> QuicPipe::connect(UdpPipe& udp, const sockaddr_in& to, const quic::ClientTls& tls,
                                            std::size_t packet_bytes) {
  std::unique_ptr<QuicPipe> pipe{new QuicPipe(udp, to, packet_bytes)};
  quic::Session session = quic::make_client_session(*tls.state(), "localhost", &pipe->reference_);
  ngtcp2_crypto_gnutls_configure_client_session(session.get());
  gnutls_handshake_set_secret_function(session.get(), Callbacks::secrets);
  const ngtcp2_cid destination = random_id();
  const ngtcp2_cid source = random_id();
  const ngtcp2_path path = pipe->path();
  const ngtcp2_settings settings = pipe->settings();
  const ngtcp2_transport_params params = parameters();
  const ngtcp2_callbacks callbacks = Callbacks::make();
  ngtcp2_conn* conn = nullptr;
  const int status = ngtcp2_conn_client_new(&conn, &destination, &source, &path, NGTCP2_PROTO_VER_V1, &callbacks,
                                            &settings, &params, nullptr, pipe.get());
  if (!pipe->attach(conn, status, std::move(session))) return nullptr;
  return pipe;
}

std::unique_ptr<QuicPipe> QuicPipe::accept(UdpPipe& udp, const sockaddr_in& from, const quic::ServerTls& tls,
                                           const ngtcp2_pkt_hd& header, std::size_t packet_bytes) {
  std::unique_ptr<QuicPipe> pipe{new QuicPipe(udp, from, packet_bytes)};
  quic::Session session = quic::make_server_session(*tls.state(), &pipe->reference_);
  ngtcp2_crypto_gnutls_configure_server_session(session.get());
  gnutls_handshake_set_secret_function(session.get(), Callbacks::secrets);
  const ngtcp2_cid source = random_id();
  const ngtcp2_path path = pipe->path();
  const ngtcp2_settings settings = pipe->settings();
  const ngtcp2_callbacks callbacks = Callbacks::make();
  ngtcp2_transport_params params = parameters();
  params.original_dcid_present = 1;
  params.original_dcid = header.dcid;
  ngtcp2_conn* conn = nullptr;
  const int status = ngtcp2_conn_server_new(&conn, &header.scid, &source, &path, header.version, &callbacks, &settings,
                                            &params, nullptr, pipe.get());
  pipe->header_left_ = sizeof(TransferHeader);
  if (!pipe->attach(conn, status, std::move(session))) return nullptr;
  return pipe;
}

bool QuicPipe::install_initial(const ngtcp2_cid& destination) {
  const auto secrets = quic::derive_initial_secrets({destination.data, destination.datalen});
  if (!secrets) return false;
  const bool server = ngtcp2_conn_is_server(conn_.get()) != 0;
  Keys rx{server ? secrets->client : secrets->server};
  Keys tx{server ? secrets->server : secrets->client};
  const ngtcp2_crypto_ctx context = crypto_context();
  ngtcp2_conn_set_initial_crypto_ctx(conn_.get(), &context);
  const int status = ngtcp2_conn_install_initial_key(conn_.get(), &rx.aead, rx.bytes.iv.data(), &rx.cipher, &tx.aead,
                                                     tx.bytes.iv.data(), &tx.cipher, quic::kNonceBytes);
  return rx.release(status) && tx.release(status);
}

bool QuicPipe::install(ngtcp2_encryption_level level, ByteView rx_secret, ByteView tx_secret) {
  const bool application = level == NGTCP2_ENCRYPTION_LEVEL_1RTT;
  constexpr std::size_t kNonce = quic::kNonceBytes;
  ngtcp2_conn* conn = conn_.get();
  if (!rx_secret.empty()) {
    Keys rx{rx_secret};
    const std::uint8_t* iv = rx.bytes.iv.data();
    const int status = application ? ngtcp2_conn_install_rx_key(conn, rx_secret.data(), rx_secret.size(), &rx.aead, iv,
                                                                kNonce, &rx.cipher)
                                   : ngtcp2_conn_install_rx_handshake_key(conn, &rx.aead, iv, kNonce, &rx.cipher);
    if (!rx.release(status)) return false;
  }
  if (tx_secret.empty()) return true;
  Keys tx{tx_secret};
  const std::uint8_t* iv = tx.bytes.iv.data();
  return tx.release(application ? ngtcp2_conn_install_tx_key(conn, tx_secret.data(), tx_secret.size(), &tx.aead, iv,
                                                             kNonce, &tx.cipher)
                                : ngtcp2_conn_install_tx_handshake_key(conn, &tx.aead, iv, kNonce, &tx.cipher));
}

void QuicPipe::fail(const char* what, int code) {
  if (failure_.empty()) failure_ = fmt::format("{}: {}", what, ngtcp2_strerror(code));
}

// --- Transfers -------------------------------------------------------------------------------------------------------

void QuicPipe::start(const Transfer& transfer) {
  if (const int status = ngtcp2_conn_open_bidi_stream(conn_.get(), &stream_, nullptr); status != 0) {
    return fail("no stream", status);
  }
  header_ = encode_transfer(transfer);
  header_left_ = header_.size();
  chunk_bytes_left_ = transfer.request_bytes;
  received_bytes_ = 0;
  ended_ = false;
  sending_ = true;
}

void QuicPipe::take(ByteView data, bool fin) {
  received_bytes_ += data.size();
  if (ngtcp2_conn_is_server(conn_.get()) == 0) {
    ended_ = fin;
    return;
  }
  const std::size_t part = std::min(header_left_, data.size());
  std::memcpy(header_.data() + header_.size() - header_left_, data.data(), part);
  header_left_ -= part;
  if (!fin || header_left_ > 0) return;
  const Transfer transfer = decode_transfer(header_);
  if (received_bytes_ != header_.size() + transfer.request_bytes) return fail("a short request", 0);
  chunk_bytes_left_ = transfer.answer_bytes;
  sending_ = true;
}

void QuicPipe::handle_batch(const UdpPipe::Batch& batch, ngtcp2_tstamp now) {
  const ngtcp2_path path = this->path();
  const ngtcp2_pkt_info info{};
  for (ByteView rest = batch.bytes; !rest.empty() && failure_.empty();) {
    const std::size_t size = std::min(rest.size(), batch.segment_bytes);
    const int status = ngtcp2_conn_read_pkt(conn_.get(), &path, &info, rest.data(), size, now);
    if (status != 0) fail("reading", status);
    rest = rest.subspan(size);
  }
}

void QuicPipe::close(std::uint64_t code, ngtcp2_tstamp now) {
  ngtcp2_ccerr error;
  ngtcp2_ccerr_default(&error);
  ngtcp2_ccerr_set_application_error(&error, code, nullptr, 0);
  const std::size_t room = ngtcp2_conn_get_path_max_tx_udp_payload_size(conn_.get());
  const ngtcp2_ssize size =
      ngtcp2_conn_write_connection_close(conn_.get(), nullptr, nullptr, buffer_.data(), room, &error, now);
  if (size <= 0) return;
  udp_.send(ByteView{buffer_}.first(static_cast<std::size_t>(size)), static_cast<std::size_t>(size), remote_);
}

ngtcp2_tstamp QuicPipe::drive(ngtcp2_tstamp now) {
  if (ngtcp2_conn_get_expiry(conn_.get()) <= now) {
    if (const int status = ngtcp2_conn_handle_expiry(conn_.get(), now); status != 0) fail("expiry", status);
  }
  for (std::size_t i = 0; i < kBatchesPerTurn && failure_.empty(); ++i) {
    if (!send_batch(now)) return ngtcp2_conn_get_expiry(conn_.get());
  }
  return now;  // more waits
}

ngtcp2_ssize QuicPipe::write_packet(MutableByteView out, ngtcp2_tstamp now) {
  const bool server = ngtcp2_conn_is_server(conn_.get()) != 0;
  std::array<ngtcp2_vec, 3> pieces;
  std::size_t count = 0;
  const std::size_t header = server ? 0 : header_left_;
  const std::size_t chunk = static_cast<std::size_t>(std::min<std::uint64_t>(chunk_bytes_left_, kBulkChunkBytes));
  const std::size_t front = std::min(chunk, kBulkChunkBytes - chunk_place_);
  auto* bytes = const_cast<std::uint8_t*>(bulk_chunk().data());
  if (header > 0) pieces[count++] = {header_.data() + header_.size() - header, header};
  if (front > 0) pieces[count++] = {bytes + chunk_place_, front};
  if (chunk > front) pieces[count++] = {bytes, chunk - front};
  const bool last = chunk == chunk_bytes_left_;
  ngtcp2_ssize written = -1;
  ngtcp2_ssize size = ngtcp2_conn_writev_stream(conn_.get(), nullptr, nullptr, out.data(), out.size(), &written,
                                                last ? NGTCP2_WRITE_STREAM_FLAG_FIN : NGTCP2_WRITE_STREAM_FLAG_NONE,
                                                sending_ ? stream_ : -1, pieces.data(), sending_ ? count : 0, now);
  if (size == NGTCP2_ERR_STREAM_DATA_BLOCKED) {
    size = ngtcp2_conn_writev_stream(conn_.get(), nullptr, nullptr, out.data(), out.size(), nullptr,
                                     NGTCP2_WRITE_STREAM_FLAG_NONE, -1, nullptr, 0, now);
  }
  if (written < 0 || !sending_) return size;
  const std::size_t of_header = std::min(header, static_cast<std::size_t>(written));
  if (!server) header_left_ -= of_header;
  const std::size_t of_chunk = static_cast<std::size_t>(written) - of_header;
  chunk_bytes_left_ -= of_chunk;
  chunk_place_ = (chunk_place_ + of_chunk) % kBulkChunkBytes;
  if (last && static_cast<std::size_t>(written) == header + chunk) {
    sending_ = false;
    if (server) header_left_ = header_.size();  // of the next stream
    if (server) received_bytes_ = 0;
  }
  return size;
}

bool QuicPipe::send_batch(ngtcp2_tstamp now) {
  const std::size_t full = ngtcp2_conn_get_path_max_tx_udp_payload_size(conn_.get());
  const std::size_t limit = std::min(buffer_.size(), std::max(ngtcp2_conn_get_send_quantum(conn_.get()), full));
  std::size_t room = std::max(ngtcp2_conn_get_max_tx_udp_payload_size(conn_.get()), full);  // only a probe exceeds full
  std::size_t used = 0;
  std::size_t segment = 0;
  for (std::size_t count = 0; count < quic::Endpoint::kTransmitSegmentsMax && (used == 0 || used + room <= limit);) {
    const ngtcp2_ssize result = write_packet(MutableByteView{buffer_}.subspan(used, room), now);
    if (result < 0) fail("writing", static_cast<int>(result));
    if (result <= 0) break;
    const auto size = static_cast<std::size_t>(result);
    if (segment == 0) segment = size;
    used += size;
    ++count;
    if (size > full || size < segment) break;
    room = std::min(full, segment);
  }
  if (used > 0) udp_.send(ByteView{buffer_}.first(used), segment, remote_);
  return used > 0;
}

}  // namespace plait::bench
