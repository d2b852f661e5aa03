// The keys that ngtcp2 works with: our own handles, from the secrets that GnuTLS's handshake gives out (RFC 9001 §5).
#include <gnutls/gnutls.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>

#include "quic/connection_state.hpp"
#include "quic/endpoint_state.hpp"
#include "quic/key_schedule.hpp"

namespace plait::quic {
namespace {

// RFC 9001 §6.6.
constexpr std::uint64_t kAesEncryptionsMax = std::uint64_t{1} << 23;
constexpr std::uint64_t kAesFailuresMax = std::uint64_t{1} << 52;
constexpr std::uint64_t kChachaEncryptionsMax = std::uint64_t{1} << 62;
constexpr std::uint64_t kChachaFailuresMax = std::uint64_t{1} << 36;
// RFC 9001 §5.8.
constexpr std::array<std::uint8_t, 16> kRetryKey = {0xbe, 0x0c, 0x69, 0x0b, 0x9f, 0x66, 0x57, 0x5a,
                                                    0x1d, 0x76, 0x6b, 0x54, 0xe3, 0x68, 0xc8, 0x4e};
// Of the first byte, without header protection; 0 in Initial packets (RFC 9000 §17.2).
constexpr std::uint8_t kLongTypeBits = 0x30;

constexpr Hash hash_of(Cipher cipher) { return cipher == Cipher::aes_256_gcm ? Hash::sha384 : Hash::sha256; }

/// ngtcp2 asks the AEAD only for its overhead, and hands the rest back.
ngtcp2_crypto_ctx context_of(Cipher cipher) {
  ngtcp2_crypto_ctx context{};
  static int marker = 0;
  context.aead = {&marker, kTagBytes};
  context.md.native_handle = &marker;
  context.hp.native_handle = &marker;
  const bool chacha = cipher == Cipher::chacha20_poly1305;
  context.max_encryption = chacha ? kChachaEncryptionsMax : kAesEncryptionsMax;
  context.max_decryption_failure = chacha ? kChachaFailuresMax : kAesFailuresMax;
  return context;
}

/// One direction's handles, freed unless ngtcp2 took them.
struct Handles {
  std::unique_ptr<PacketKey> packet;
  std::unique_ptr<HeaderKey> header;
  DirectionKeys keys;

  ngtcp2_crypto_aead_ctx aead{};
  ngtcp2_crypto_cipher_ctx cipher{};

  static std::optional<Handles> make(Cipher cipher, ByteView secret) {
    auto keys = derive_keys(cipher, hash_of(cipher), secret);
    if (!keys) return std::nullopt;
    const std::size_t size = key_bytes(cipher);
    Handles handles;
    handles.packet = make_packet_key(cipher, {keys->key.data(), size});
    handles.header = make_header_key(cipher, {keys->header_key.data(), size});
    if (!handles.packet || !handles.header) return std::nullopt;
    handles.aead.native_handle = handles.packet.get();
    handles.cipher.native_handle = handles.header.get();
    handles.keys = *keys;
    return handles;
  }
  bool taken(int status) {
    if (status != 0) return false;
    static_cast<void>(packet.release());
    static_cast<void>(header.release());
    return true;
  }
};

std::optional<Cipher> cipher_of(gnutls_session_t session) {
  switch (gnutls_cipher_get(session)) {
    case GNUTLS_CIPHER_AES_128_GCM:
      return Cipher::aes_128_gcm;
    case GNUTLS_CIPHER_AES_256_GCM:
      return Cipher::aes_256_gcm;
    case GNUTLS_CIPHER_CHACHA20_POLY1305:
      return Cipher::chacha20_poly1305;
    default:
      return std::nullopt;
  }
}

}  // namespace

bool Connection::State::install_initial_keys(ByteView destination_connection_id) {
  const auto secrets = derive_initial_secrets(destination_connection_id);
  if (!secrets) return false;
  auto rx = Handles::make(Cipher::aes_128_gcm, is_server ? secrets->client : secrets->server);
  auto tx = Handles::make(Cipher::aes_128_gcm, is_server ? secrets->server : secrets->client);
  if (!rx || !tx) return false;
  rx->packet->observer = &scan;
  const ngtcp2_crypto_ctx context = context_of(Cipher::aes_128_gcm);
  ngtcp2_conn_set_initial_crypto_ctx(conn.get(), &context);
  const int status = ngtcp2_conn_install_initial_key(conn.get(), &rx->aead, rx->keys.iv.data(), &rx->cipher, &tx->aead,
                                                     tx->keys.iv.data(), &tx->cipher, kNonceBytes);
  if (!rx->taken(status) || !tx->taken(status)) return false;
  if (is_server || ngtcp2_conn_after_retry(conn.get()) != 0) return true;
  auto retry = make_deferred_packet_key(Cipher::aes_128_gcm, kRetryKey);
  if (!retry) return false;
  const ngtcp2_crypto_aead_ctx handle{retry.release()};
  ngtcp2_conn_set_retry_aead(conn.get(), &context.aead, &handle);
  return true;
}

bool Connection::State::install_keys(ngtcp2_encryption_level level, ByteView rx_secret, ByteView tx_secret) {
  const bool application = level == NGTCP2_ENCRYPTION_LEVEL_1RTT;
  if (!rx_secret.empty()) {
    auto rx = Handles::make(cipher, rx_secret);
    if (!rx) return false;
    rx->packet->observer = &scan;
    if (application) rx->packet->nonce_end = end_of_nonce(rx->keys.iv.data());
    if (!rx->taken(application ? ngtcp2_conn_install_rx_key(conn.get(), rx_secret.data(), rx_secret.size(), &rx->aead,
                                                            rx->keys.iv.data(), kNonceBytes, &rx->cipher)
                               : ngtcp2_conn_install_rx_handshake_key(conn.get(), &rx->aead, rx->keys.iv.data(),
                                                                      kNonceBytes, &rx->cipher))) {
      return false;
    }
  }
  if (tx_secret.empty()) return true;
  auto tx = Handles::make(cipher, tx_secret);
  if (!tx) return false;
  return tx->taken(application ? ngtcp2_conn_install_tx_key(conn.get(), tx_secret.data(), tx_secret.size(), &tx->aead,
                                                            tx->keys.iv.data(), kNonceBytes, &tx->cipher)
                               : ngtcp2_conn_install_tx_handshake_key(conn.get(), &tx->aead, tx->keys.iv.data(),
                                                                      kNonceBytes, &tx->cipher));
}

int handle_secrets(gnutls_session_t session, gnutls_record_encryption_level_t level, const void* rx_secret,
                   const void* tx_secret, std::size_t size) {
  auto* reference = static_cast<ngtcp2_crypto_conn_ref*>(gnutls_session_get_ptr(session));
  auto& state = *static_cast<Connection::State*>(reference->user_data);
  const auto cipher = cipher_of(session);
  if (!cipher) return -1;
  // A peer without the extension does not speak QUIC (RFC 9001 §8.2), and ngtcp2 would miss its parameters later. A
  // server's comes behind its handshake keys.
  const bool is_due = state.is_server || level == GNUTLS_ENCRYPTION_LEVEL_APPLICATION;
  if (is_due && ngtcp2_conn_get_remote_transport_params(state.conn.get()) == nullptr) {
    ngtcp2_conn_set_tls_alert(state.conn.get(), GNUTLS_A_MISSING_EXTENSION);
    return -1;
  }
  state.cipher = *cipher;
  const ngtcp2_crypto_ctx context = context_of(*cipher);
  ngtcp2_conn_set_crypto_ctx(state.conn.get(), &context);
  const auto secret = [size](const void* data) {
    return data == nullptr ? ByteView{} : ByteView{static_cast<const std::uint8_t*>(data), size};
  };
  const auto native_level = ngtcp2_crypto_gnutls_from_gnutls_record_encryption_level(level);
  return state.install_keys(native_level, secret(rx_secret), secret(tx_secret)) ? 0 : -1;
}

// --- ngtcp2's callbacks ---------------------------------------------------------------------------------------------

int encrypt_packet(std::uint8_t* out, const ngtcp2_crypto_aead* /*aead*/, const ngtcp2_crypto_aead_ctx* handle,
                   const std::uint8_t* plaintext, std::size_t size, const std::uint8_t* nonce,
                   std::size_t /*nonce_size*/, const std::uint8_t* associated, std::size_t associated_size) {
  auto& key = *static_cast<PacketKey*>(handle->native_handle);
  return key.seal(out, {plaintext, size}, nonce, {associated, associated_size}) ? 0 : NGTCP2_ERR_CALLBACK_FAILURE;
}

int decrypt_packet(std::uint8_t* out, const ngtcp2_crypto_aead* /*aead*/, const ngtcp2_crypto_aead_ctx* handle,
                   const std::uint8_t* ciphertext, std::size_t size, const std::uint8_t* nonce,
                   std::size_t /*nonce_size*/, const std::uint8_t* associated, std::size_t associated_size) {
  auto& key = *static_cast<PacketKey*>(handle->native_handle);
  if (!key.open(out, {ciphertext, size}, nonce, {associated, associated_size})) return NGTCP2_ERR_DECRYPT;
  const ByteView payload{out, size - kTagBytes};
  if (key.nonce_end) {
    key.observer->on_packet(*key.nonce_end ^ end_of_nonce(nonce), payload);
  } else if (key.observer != nullptr && (associated[0] & kLongTypeBits) == 0) {
    key.observer->on_initial_packet(payload);
  } else if (key.observer != nullptr) {
    key.observer->on_handshake_packet(payload);
  }
  return 0;
}

int mask_header(std::uint8_t* out, const ngtcp2_crypto_cipher* /*cipher*/, const ngtcp2_crypto_cipher_ctx* handle,
                const std::uint8_t* sample) {
  return static_cast<HeaderKey*>(handle->native_handle)->mask(out, sample) ? 0 : NGTCP2_ERR_CALLBACK_FAILURE;
}

void delete_packet_key(ngtcp2_conn* /*conn*/, ngtcp2_crypto_aead_ctx* handle, void* /*user*/) {
  delete static_cast<PacketKey*>(handle->native_handle);
}

void delete_header_key(ngtcp2_conn* /*conn*/, ngtcp2_crypto_cipher_ctx* handle, void* /*user*/) {
  delete static_cast<HeaderKey*>(handle->native_handle);
}

// RFC 9001 §6.1: new secrets, keys and nonces; the header keys stay.
int update_keys(ngtcp2_conn* /*conn*/, std::uint8_t* rx_secret, std::uint8_t* tx_secret, ngtcp2_crypto_aead_ctx* rx,
                std::uint8_t* rx_iv, ngtcp2_crypto_aead_ctx* tx, std::uint8_t* tx_iv, const std::uint8_t* old_rx_secret,
                const std::uint8_t* old_tx_secret, std::size_t size, void* user) {
  auto& state = *static_cast<Connection::State*>(user);
  const Hash hash = hash_of(state.cipher);
  const auto next = [&](const std::uint8_t* old, std::uint8_t* secret, std::uint8_t* iv) -> std::unique_ptr<PacketKey> {
    if (!expand_label(hash, {old, size}, "quic ku", {secret, size})) return nullptr;
    const auto keys = derive_packet_keys(state.cipher, hash, {secret, size});
    if (!keys) return nullptr;
    std::copy(keys->iv.begin(), keys->iv.end(), iv);
    return make_deferred_packet_key(state.cipher, {keys->key.data(), key_bytes(state.cipher)});
  };
  auto rx_key = next(old_rx_secret, rx_secret, rx_iv);
  auto tx_key = next(old_tx_secret, tx_secret, tx_iv);
  if (!rx_key || !tx_key) return NGTCP2_ERR_CALLBACK_FAILURE;
  rx_key->observer = &state.scan;
  rx_key->nonce_end = end_of_nonce(rx_iv);
  rx->native_handle = rx_key.release();
  tx->native_handle = tx_key.release();
  return 0;
}

}  // namespace plait::quic
