// What a server's engine does with clients that ours is not: bare OpenSSL with other options.
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>
#include <charconv>

#include "crypto/hash.hpp"
#include "crypto/openssl.hpp"
#include "pair.hpp"

namespace plait::tls {
namespace {

constexpr std::uint8_t kHandshake = 22;  // RFC 8446 §5.1
constexpr std::uint8_t kApplicationData = 23;

/// A client's records after the handshake, of TLS_AES_128_GCM_SHA256 (RFC 8446 §5.2), cut as no library cuts them.
class ClientRecords {
 public:
  /// `key_log` is what SSL_CTX_set_keylog_callback gave.
  explicit ClientRecords(const std::string& key_log) {
    constexpr std::string_view kLabel = "CLIENT_TRAFFIC_SECRET_0 ";
    const std::string line = key_log.substr(key_log.find(kLabel) + kLabel.size());
    for (std::size_t i = 0; i < secret_.size(); ++i) {
      const char* digits = line.data() + 65 + 2 * i;
      std::from_chars(digits, digits + 2, secret_[i], 16);
    }
  }
  std::vector<std::uint8_t> seal(std::uint8_t type, std::string_view content) {
    auto nonce = expand("iv", 12);
    nonce[11] ^= static_cast<std::uint8_t>(sequence_++);
    const auto size = static_cast<std::uint8_t>(content.size() + 1 + 16);
    std::vector<std::uint8_t> record{kApplicationData, 3, 3, 0, size};
    const std::string inner = std::string{content} + static_cast<char>(type);
    record.resize(5 + size);
    int count = 0;
    const crypto::Owned<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free> gcm{EVP_CIPHER_CTX_new()};
    EVP_EncryptInit_ex(gcm.get(), EVP_aes_128_gcm(), nullptr, expand("key", 16).data(), nonce.data());
    EVP_EncryptUpdate(gcm.get(), nullptr, &count, record.data(), 5);
    EVP_EncryptUpdate(gcm.get(), &record[5], &count, as_bytes(inner).data(), static_cast<int>(inner.size()));
    EVP_EncryptFinal_ex(gcm.get(), nullptr, &count);
    EVP_CIPHER_CTX_ctrl(gcm.get(), EVP_CTRL_AEAD_GET_TAG, 16, &record[5 + inner.size()]);
    return record;
  }

 private:
  /// HKDF-Expand-Label (RFC 8446 §7.1) of at most 32 bytes, of which `size` are meant.
  [[nodiscard]] crypto::Digest<32> expand(std::string_view label, std::uint8_t size) const {
    std::string info{'\0', static_cast<char>(size), static_cast<char>(6 + label.size())};
    info.append("tls13 ").append(label).append({'\0', '\1'});
    return crypto::hmac_sha256(secret_, as_bytes(info));
  }

  crypto::Digest<32> secret_{};
  int sequence_ = 0;
};

class ForeignClient : public testing::Test {
 protected:
  ForeignClient() {
    SSL_CTX_set_session_cache_mode(context_.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_set_app_data(context_.get(), this);
    SSL_CTX_sess_set_new_cb(context_.get(), [](SSL* ssl, SSL_SESSION* session) {
      static_cast<ForeignClient*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)))->session_.reset(session);
      return 1;
    });
    SSL_CTX_set_keylog_callback(context_.get(), [](const SSL* ssl, const char* line) {
      static_cast<ForeignClient*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)))->key_log_.append(line).append("\n");
    });
  }

  void begin() {
    // Without this OpenSSL would take the end of the last connection for a failure and not resume its session.
    if (client_) SSL_set_shutdown(client_.get(), SSL_SENT_SHUTDOWN);
    server_ = {Engine::accept(server_context_), {}, {}};
    client_.reset(SSL_new(context_.get()));
    SSL_set_bio(client_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(client_.get());
  }

  // Lets the client go on and carries bytes until it neither reads nor writes more.
  void run() {
    std::array<char, 20'000> bytes;
    for (bool moved = true; moved;) {
      moved = false;
      std::size_t size = 0;
      if (SSL_read_ex(client_.get(), bytes.data(), bytes.size(), &size) == 1) received_.append(bytes.data(), size);
      ERR_clear_error();
      for (int count = 0; (count = BIO_read(SSL_get_wbio(client_.get()), bytes.data(), bytes.size())) > 0;
           moved = true) {
        server_.give(as_bytes({bytes.data(), static_cast<std::size_t>(count)}));
      }
      const auto answer = server_.take_output();
      moved = moved || !answer.empty();
      BIO_write(SSL_get_rbio(client_.get()), answer.data(), static_cast<int>(answer.size()));
    }
  }

  void handshake() {
    begin();
    run();
  }

  /// From now on the server asks for certificates, and the client has one.
  void check_clients(ClientCheck check) {
    const Credentials owner{{.common_name = "worker-7", .key_purpose = "clientAuth"}};
    ServerConfig config = credentials_.server();
    config.client_check = check;
    config.client_authority_file = owner.certificate();
    server_context_ = *Context::server(config);
    SSL_CTX_use_certificate_chain_file(context_.get(), owner.certificate().c_str());
    SSL_CTX_use_PrivateKey_file(context_.get(), owner.key().c_str(), SSL_FILETYPE_PEM);
  }

  void allow(int minimum, int maximum) {
    SSL_CTX_set_min_proto_version(context_.get(), minimum);
    SSL_CTX_set_max_proto_version(context_.get(), maximum);
  }

  Credentials credentials_;
  Context server_context_ = *Context::server(credentials_.server());
  Side server_;
  crypto::Owned<SSL_CTX, SSL_CTX_free> context_{SSL_CTX_new(TLS_client_method())};
  crypto::Owned<SSL_SESSION, SSL_SESSION_free> session_;
  crypto::Owned<SSL, SSL_free> client_;
  std::string received_;
  std::string key_log_;
};

TEST_F(ForeignClient, ResumesByTicketInBothVersions) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    allow(version, version);
    session_.reset();
    handshake();
    ASSERT_TRUE(session_);
    EXPECT_EQ(SSL_session_reused(client_.get()), 0);
    begin();
    SSL_set_session(client_.get(), session_.get());
    run();
    EXPECT_TRUE(server_.engine->handshake_done());
    EXPECT_EQ(SSL_session_reused(client_.get()), 1) << version;
  }
}

// A session would outlive the certificate that was shown when it began.
TEST_F(ForeignClient, WhereCertificatesAreAskedForNothingIsResumed) {
  for (const ClientCheck check : {ClientCheck::optional, ClientCheck::required}) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      check_clients(check);
      allow(version, version);
      handshake();
      ASSERT_TRUE(server_.engine->client_certificate()) << server_.engine->error();
      session_.reset(SSL_get1_session(client_.get()));
      begin();
      SSL_set_session(client_.get(), session_.get());
      SSL_certs_clear(client_.get());
      run();
      EXPECT_EQ(SSL_session_reused(client_.get()), 0) << version;
      EXPECT_FALSE(server_.engine->client_certificate()) << version;
      EXPECT_EQ(server_.status == Status::failed, check == ClientCheck::required) << version;
    }
  }
}

TEST_F(ForeignClient, Tls11IsRefused) {
  SSL_CTX_set_cipher_list(context_.get(), "ALL:@SECLEVEL=0");
  allow(TLS1_1_VERSION, TLS1_1_VERSION);
  handshake();
  EXPECT_EQ(server_.status, Status::failed);
  EXPECT_EQ(server_.engine->error(), "the peer supports neither TLS 1.2 nor 1.3");
}

TEST_F(ForeignClient, WithoutACommonCipherIsRefused) {
  allow(TLS1_2_VERSION, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context_.get(), "AES128-SHA");
  handshake();
  EXPECT_EQ(server_.status, Status::failed);
  EXPECT_EQ(server_.engine->error(), "the peer supports none of our cipher suites");
}

TEST_F(ForeignClient, TheServersCipherOrderDecides) {
  allow(TLS1_2_VERSION, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context_.get(), "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256");
  handshake();
  EXPECT_STREQ(SSL_get_cipher(client_.get()), "ECDHE-ECDSA-AES128-GCM-SHA256");
  allow(TLS1_3_VERSION, TLS1_3_VERSION);
  SSL_CTX_set_ciphersuites(context_.get(), "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256");
  handshake();
  EXPECT_STREQ(SSL_get_cipher(client_.get()), "TLS_AES_128_GCM_SHA256");
}

TEST_F(ForeignClient, RenegotiationIsRefused) {
  allow(TLS1_2_VERSION, TLS1_2_VERSION);
  handshake();
  ASSERT_EQ(SSL_renegotiate(client_.get()), 1);
  run();
  // RFC 5246 §7.2.2: we answer no_renegotiation; OpenSSL's client then gives up.
  EXPECT_EQ(server_.status, Status::failed);
  EXPECT_EQ(server_.engine->error(), "the peer ended TLS with the alert: handshake failure");
}

TEST_F(ForeignClient, AKeyUpdateInTheStreamIsFollowed) {
  handshake();
  std::size_t written = 0;
  for (int round = 0; round < 3; ++round) {
    ASSERT_EQ(SSL_key_update(client_.get(), SSL_KEY_UPDATE_REQUESTED), 1);
    ASSERT_EQ(SSL_write_ex(client_.get(), "text", 4, &written), 1);
    run();
    ASSERT_EQ(server_.engine->encrypt(as_bytes("echo"), server_.output), Status::ok);
    run();
  }
  EXPECT_EQ(server_.received, "texttexttext");
  EXPECT_EQ(received_, "echoechoecho");
}

TEST_F(ForeignClient, ItsCertificateIsThereWithinAKeyUpdate) {
  check_clients(ClientCheck::required);
  allow(TLS1_3_VERSION, TLS1_3_VERSION);
  begin();
  EXPECT_TRUE(server_.engine->is_opening());
  run();
  EXPECT_FALSE(server_.engine->is_opening());
  ASSERT_TRUE(server_.engine->client_certificate()) << server_.engine->error();
  ClientRecords records{key_log_};
  std::vector<std::uint8_t> read = records.seal(kApplicationData, "request");
  const auto begun = records.seal(kHandshake, {"\x18\0\0\x01", 4});  // RFC 8446 §4.6.3
  read.insert(read.end(), begun.begin(), begun.end());
  server_.give(read);
  EXPECT_EQ(server_.received, "request");
  EXPECT_FALSE(server_.engine->handshake_done()) << "the update is not whole";
  EXPECT_FALSE(server_.engine->is_opening());
  const auto certificate = server_.engine->client_certificate();
  ASSERT_TRUE(certificate);
  EXPECT_EQ(certificate->subject, "CN=worker-7");
  server_.give(records.seal(kHandshake, {"\0", 1}));
  EXPECT_EQ(server_.status, Status::ok);
  EXPECT_TRUE(server_.engine->handshake_done());
}

TEST_F(ForeignClient, TextInTheFlightThatEndsTheHandshakeArrives) {
  allow(TLS1_3_VERSION, TLS1_3_VERSION);
  begin();
  SSL_do_handshake(client_.get());
  std::array<char, 20'000> bytes;
  const int hello = BIO_read(SSL_get_wbio(client_.get()), bytes.data(), bytes.size());
  server_.give(as_bytes({bytes.data(), static_cast<std::size_t>(hello)}));
  const auto flight = server_.take_output();
  BIO_write(SSL_get_rbio(client_.get()), flight.data(), static_cast<int>(flight.size()));
  ASSERT_EQ(SSL_do_handshake(client_.get()), 1);
  std::size_t written = 0;
  ASSERT_EQ(SSL_write_ex(client_.get(), "early", 5, &written), 1);
  const int last = BIO_read(SSL_get_wbio(client_.get()), bytes.data(), bytes.size());
  server_.give(as_bytes({bytes.data(), static_cast<std::size_t>(last)}));
  EXPECT_TRUE(server_.engine->handshake_done());
  EXPECT_EQ(server_.received, "early");
}

}  // namespace
}  // namespace plait::tls
