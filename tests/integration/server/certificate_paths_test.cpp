// Chains of certificates with some in them that have expired: the same are trusted on every wire that encrypts, by
// OpenSSL as by GnuTLS.
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <fstream>

#include "integration/server/wires.hpp"

namespace plait::test {
namespace {

template <auto kFree>
struct Free {
  template <class Object>
  void operator()(Object* object) const {
    kFree(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;

struct Owner {
  std::string name;
  Key key{EVP_EC_gen("P-256")};
};

struct Validity {
  int begin_days;
  int end_days;
};
constexpr Validity kValid{-10, 10};
constexpr Validity kExpired{-10, -1};

void add_extension(X509* certificate, X509* issuer, int id, const char* value) {
  X509V3_CTX context{};
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION_free>> extension{
      X509V3_EXT_conf_nid(nullptr, &context, id, value)};
  ASSERT_NE(extension, nullptr) << value;
  EXPECT_EQ(X509_add_ext(certificate, extension.get(), -1), 1);
}

void set_name(X509_NAME* name, const std::string& text) {
  EXPECT_EQ(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(text.data()),
                                       static_cast<int>(text.size()), -1, 0),
            1);
}

/// That `issuer`, an authority, gives to `subject`, which is one, too, unless it has `names`.
Certificate issue(const Owner& subject, const Owner& issuer, const Validity& validity, const char* names = nullptr) {
  static long serial = 1;
  Certificate made{X509_new()};
  X509* certificate = made.get();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
  set_name(X509_get_subject_name(certificate), subject.name);
  set_name(X509_get_issuer_name(certificate), issuer.name);
  X509_time_adj_ex(X509_getm_notBefore(certificate), validity.begin_days, 0, nullptr);
  X509_time_adj_ex(X509_getm_notAfter(certificate), validity.end_days, 0, nullptr);
  X509_set_pubkey(certificate, subject.key.get());
  const bool is_authority = names == nullptr;
  add_extension(certificate, certificate, NID_basic_constraints, is_authority ? "critical,CA:TRUE" : "CA:FALSE");
  add_extension(certificate, certificate, NID_key_usage,
                is_authority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
  if (!is_authority) add_extension(certificate, certificate, NID_subject_alt_name, names);
  EXPECT_GT(X509_sign(certificate, issuer.key.get(), EVP_sha256()), 0);
  return made;
}

template <class Write>
std::string pem(const Write& write) {
  const std::unique_ptr<BIO, Free<BIO_free_all>> out{BIO_new(BIO_s_mem())};
  EXPECT_EQ(write(out.get()), 1);
  const char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

class CertificatePaths : public EveryWire {
 protected:
  std::string save(const std::string& name, const std::vector<X509*>& chain) {
    std::ofstream out{folder_.file(name)};
    for (X509* certificate : chain) out << pem([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
    return folder_.file(name);
  }
  std::string save(const std::string& name, const Owner& owner) {
    std::ofstream{folder_.file(name)} << pem([&](BIO* bio) {
      return PEM_write_bio_PrivateKey(bio, owner.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
    return folder_.file(name);
  }
  /// What a client that trusts `authorities` makes of a server that shows `chain`.
  std::string outcome(const std::vector<X509*>& chain, const std::vector<X509*>& authorities) {
    ServerOptions options;
    options.tls = {.certificate_file = save("chain.pem", chain), .private_key_file = save("leaf.key", leaf_)};
    server_ = std::make_unique<TestServer>(std::move(options));
    listen(calling(echo()));
    server_->start();
    ConnectOptions with;
    with.certificate_authority_file = save("authorities.pem", authorities);
    const auto client = BlockingClient::connect(base_ + "/", with);
    return client ? "accepted" : client.error().message;
  }
  /// The same of a server and a client that shows it.
  std::string outcome_of_client(const std::vector<X509*>& chain, const std::vector<X509*>& authorities) {
    ServerOptions options;
    options.client_certificates = ClientCertificates::required;
    options.client_authority_file = save("authorities.pem", authorities);
    make(std::move(options));
    listen(calling(echo()));
    server_->start();
    ConnectOptions with = trusting();
    with.certificate_file = save("chain.pem", chain);
    with.private_key_file = save("leaf.key", leaf_);
    auto client = BlockingClient::connect(base_ + "/", with);
    if (!client) return client.error().message;
    // With TLS 1.3 a client hears of its refusal only after its handshake.
    if (auto sent = client->send(Message::text("hello")); !sent) return sent.error().message;
    const auto received = client->receive();
    return received ? "accepted" : received.error().message;
  }

  const Owner leaf_{"leaf"};
  const Owner between_{"between"};
  const Owner root_{"root"};
  const Owner old_root_{"old root"};
  const Certificate leaf = issue(leaf_, between_, kValid, "IP:127.0.0.1");
  const Certificate between = issue(between_, root_, kValid);
  const Certificate root = issue(root_, root_, kValid);
  const Certificate old_root = issue(old_root_, old_root_, kExpired);
  /// What the old authority gave to the new one when that was young.
  const Certificate cross = issue(root_, old_root_, kExpired);
};

TEST_P(CertificatePaths, WhatHasExpiredBehindATrustedAuthorityDoesNoHarm) {
  EXPECT_EQ(outcome({leaf.get(), between.get(), cross.get(), old_root.get()}, {root.get()}), "accepted");
  EXPECT_EQ(outcome({leaf.get(), between.get(), cross.get()}, {root.get()}), "accepted");
}

TEST_P(CertificatePaths, WhatHasExpiredBeforeItDoes) {
  const Certificate late = issue(between_, root_, kExpired);
  const std::string refused = outcome({leaf.get(), late.get(), cross.get()}, {root.get()});
  EXPECT_NE(refused.find("expired"), std::string::npos) << refused;
}

TEST_P(CertificatePaths, AnAuthorityThatHasExpiredIsTrustedNoMore) {
  const Certificate late = issue(root_, root_, kExpired);
  for (const std::vector<X509*>& chain : std::vector<std::vector<X509*>>{{leaf.get(), between.get()},
                                                                         {leaf.get(), between.get(), late.get()},
                                                                         {leaf.get(), between.get(), cross.get()}}) {
    const std::string refused = outcome(chain, {late.get()});
    EXPECT_NE(refused.find("expired"), std::string::npos) << refused;
  }
  const std::string refused = outcome({leaf.get(), between.get(), cross.get()}, {old_root.get()});
  EXPECT_NE(refused.find("expired"), std::string::npos) << refused;
}

TEST_P(CertificatePaths, AnAuthorityThatWasRenewedIsTrustedBesideTheOldOne) {
  const Certificate late = issue(root_, root_, kExpired);
  EXPECT_EQ(outcome({leaf.get(), between.get()}, {late.get(), root.get()}), "accepted");
  EXPECT_EQ(outcome({leaf.get(), between.get()}, {root.get(), late.get()}), "accepted");
}

TEST_P(CertificatePaths, TheSameHoldsOfClients) {
  EXPECT_EQ(outcome_of_client({leaf.get(), between.get(), cross.get()}, {root.get()}), "accepted");
  const Certificate late = issue(between_, root_, kExpired);
  EXPECT_NE(outcome_of_client({leaf.get(), late.get()}, {root.get()}), "accepted");
}

INSTANTIATE_TEST_SUITE_P(Wires, CertificatePaths, testing::Values("tls", "wss", "https", "quic"),
                         [](const auto& wire) { return wire.param; });

}  // namespace
}  // namespace plait::test
