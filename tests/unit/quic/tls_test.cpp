// Whom a client trusts, what ALPN demands, and the sentences that say so.
#include <gmock/gmock.h>

#include "quic/tls_state.hpp"
#include "unit/quic/network.hpp"

namespace plait::quic {
namespace {

using testing::HasSubstr;
using Verify = ClientTlsConfig::Verify;

/// How a connection to `host` ends with `tls`, or nothing if it is established.
std::optional<CloseReason> outcome(const ClientTls& tls, const std::string& host,
                                   EndpointConfig config = server_config()) {
  Pair pair{1, std::move(config)};
  auto made = pair.client_host.endpoint->connect({pair.client_host.at, pair.server_host.at}, host, tls, pair.client,
                                                 pair.network.now());
  EXPECT_TRUE(made);
  pair.client.connection = *made;
  EXPECT_TRUE(pair.network.run([&] { return pair.client.completed || pair.client.reason; }));
  return pair.client.reason;
}

ClientTls with(Verify verify, WallTime now, std::vector<CertificateHash> hashes = {}) {
  ClientTlsConfig config;
  config.verify = verify;
  config.authority_pem = test_certificate().certificate;
  config.certificate_hashes = std::move(hashes);
  config.alpn = {"test"};
  config.wall_clock = [now] { return now; };
  return ClientTls::make(std::move(config)).value();
}

TEST(QuicTls, AnAuthoritysCertificateIsTrusted) {
  EXPECT_FALSE(outcome(client_tls(Verify::authorities), "localhost").has_value());
  EXPECT_FALSE(outcome(client_tls(Verify::authorities), "localhost.").has_value()) << "RFC 6066 §3";
}

TEST(QuicTls, AnotherNameIsRefused) {
  const auto reason = outcome(client_tls(Verify::authorities), "other.example");
  ASSERT_TRUE(reason);
  EXPECT_EQ(reason->kind, CloseReason::Kind::tls);
  EXPECT_EQ(reason->code & ~0xffU, 0x100U);
  EXPECT_THAT(reason->reason, HasSubstr("other.example is not valid for that name: connect by a name"));
}

/// A server with a certificate of its own for each of two names, beside the test's.
struct ManyNames {
  crypto::CertificatePem site = crypto::make_certificate({.names = {"site.example"}}, kWallNow).value();
  crypto::CertificatePem apps = crypto::make_certificate({.names = {"*.apps.example"}}, kWallNow).value();

  [[nodiscard]] EndpointConfig config() const {
    EndpointConfig made = server_config();
    made.server_tls =
        ServerTls::make({.certificate_pem = test_certificate().certificate,
                         .private_key_pem = test_certificate().private_key,
                         .alpn = {"test"},
                         .further = {{site.certificate, site.private_key}, {apps.certificate, apps.private_key}}})
            .value();
    return made;
  }
  /// Whether `host` is shown the certificate of `pem`.
  [[nodiscard]] bool shows(const std::string& host, const std::string& pem) const {
    const auto hash = crypto::parse_certificate(pem).value().fingerprint;
    return !outcome(with(Verify::hashes, kWallNow + 1h, {hash}), host, config());
  }
};

TEST(QuicTls, TheNameChoosesTheCertificate) {
  const ManyNames names;
  EXPECT_TRUE(names.shows("site.example", names.site.certificate));
  EXPECT_TRUE(names.shows("SITE.example", names.site.certificate));
  EXPECT_TRUE(names.shows("a.apps.example", names.apps.certificate));
  for (const char* host : {"server.example", "other.example", "apps.example", "127.0.0.1"}) {
    EXPECT_TRUE(names.shows(host, test_certificate().certificate)) << host;
  }
  EXPECT_FALSE(names.shows("site.example", test_certificate().certificate));
}

TEST(QuicTls, AFurtherCertificateThatCannotBeUsedIsRefused) {
  const ManyNames names;
  for (const CertificatePair& wrong : {CertificatePair{names.site.certificate, names.apps.private_key},
                                       CertificatePair{"no PEM", names.apps.private_key}, CertificatePair{}}) {
    EXPECT_FALSE(ServerTls::make({.certificate_pem = test_certificate().certificate,
                                  .private_key_pem = test_certificate().private_key,
                                  .alpn = {"test"},
                                  .further = {wrong}}));
  }
}

TEST(QuicTls, Rfc5280Section4_2_1_12_AClientsCertificateIsNoServers) {
  const auto made = crypto::make_certificate({.key_purpose = "clientAuth"}, kWallNow).value();
  EndpointConfig config = server_config();
  config.server_tls =
      ServerTls::make({.certificate_pem = made.certificate, .private_key_pem = made.private_key, .alpn = {"test"}})
          .value();
  ClientTlsConfig trusting;
  trusting.authority_pem = made.certificate;
  trusting.alpn = {"test"};
  trusting.wall_clock = [] { return kWallNow; };
  const auto reason = outcome(ClientTls::make(trusting).value(), "localhost", std::move(config));
  ASSERT_TRUE(reason);
  EXPECT_THAT(reason->reason, HasSubstr("was not issued for this end of a connection (extendedKeyUsage)"));
}

TEST(QuicTls, ASelfSignedCertificateThatIsNotTrustedIsRefused) {
  const auto other = crypto::make_certificate({.common_name = "Other"}, kWallNow).value();
  ClientTlsConfig config;
  config.authority_pem = other.certificate;
  config.alpn = {"test"};
  config.wall_clock = [] { return kWallNow; };
  const auto reason = outcome(ClientTls::make(std::move(config)).value(), "localhost");
  ASSERT_TRUE(reason);
  EXPECT_EQ(reason->reason,
            "the certificate of localhost is self-signed: use it as certificate authority file, or for development "
            "connect with verification off");
}

/// What the server tells of a client that shows `shown`, and the client of its end, where the authority of clients is
/// `authority`.
std::pair<std::string, std::string> refusal(const crypto::CertificatePem& shown, const std::string& authority) {
  EndpointConfig config = server_config();
  config.server_tls = ServerTls::make({.certificate_pem = test_certificate().certificate,
                                       .private_key_pem = test_certificate().private_key,
                                       .alpn = {"test"},
                                       .client_check = ClientCheck::required,
                                       .client_authority_pem = authority,
                                       .wall_clock = [] { return kWallNow; }})
                          .value();
  Pair pair{1, std::move(config)};
  ClientTlsConfig client;
  client.verify = Verify::off;
  client.alpn = {"test"};
  client.certificate_pem = shown.certificate;
  client.private_key_pem = shown.private_key;
  client.wall_clock = [] { return kWallNow; };
  pair.connect(ClientTls::make(std::move(client)).value());
  EXPECT_TRUE(pair.network.run([&] { return pair.client.reason && !pair.server_host.failures.empty(); }));
  return {pair.server_host.failures.at(0), pair.client.reason ? pair.client.reason->reason : "none"};
}

// The words of the one are for whoever runs the server, those of the other for whoever has the certificate.
TEST(QuicTls, AClientsCertificateThatIsRefusedIsToldInWordsForEachEnd) {
  const auto known = crypto::make_certificate({.common_name = "a", .key_purpose = "clientAuth"}, kWallNow).value();
  const auto stranger = crypto::make_certificate({.common_name = "b", .key_purpose = "clientAuth"}, kWallNow).value();
  const auto [server, client] = refusal(stranger, known.certificate);
  EXPECT_EQ(server, "the client's certificate is self-signed and not in the client authority file");
  EXPECT_EQ(client, "the peer does not accept our certificate (alert: bad certificate)");
}

TEST(QuicTls, AlertsAreToldInTheRfcsWords) {
  EXPECT_THAT(explain_alert(42, false), HasSubstr("(alert: bad certificate)"));
  EXPECT_THAT(explain_alert(43, false), HasSubstr("(alert: unsupported certificate)"));
  EXPECT_THAT(explain_alert(48, true), HasSubstr("(alert: unknown CA)"));
  EXPECT_THAT(explain_alert(80, false), HasSubstr("alert: internal error"));
  EXPECT_THAT(explain_alert(255, false), HasSubstr("alert: 255"));
}

TEST(QuicTls, ExpiredAndFutureCertificatesAreRefused) {
  const auto expired = outcome(with(Verify::authorities, kWallNow + std::chrono::days{14}), "localhost");
  ASSERT_TRUE(expired);
  EXPECT_THAT(expired->reason, HasSubstr("has expired"));
  const auto future = outcome(with(Verify::authorities, kWallNow - std::chrono::days{1}), "localhost");
  ASSERT_TRUE(future);
  EXPECT_THAT(future->reason, HasSubstr("is not valid yet: check this machine's clock"));
}

TEST(QuicTls, TheRightHashIsTrustedForAnyName) {
  EXPECT_FALSE(outcome(client_tls(Verify::hashes), "any.example").has_value());
}

TEST(QuicTls, AnotherHashIsRefused) {
  const auto reason = outcome(with(Verify::hashes, kWallNow, {CertificateHash{}}), "localhost");
  ASSERT_TRUE(reason);
  EXPECT_THAT(reason->reason, HasSubstr("is not one of those whose hashes were given"));
}

TEST(QuicTls, AHashOfAnExpiredCertificateIsRefused) {
  const auto reason = outcome(with(Verify::hashes, kWallNow + std::chrono::days{14}, {test_certificate_hash()}), "x");
  ASSERT_TRUE(reason);
  EXPECT_THAT(reason->reason, HasSubstr("has expired"));
}

TEST(QuicTls, AHashOfACertificateThatLivesTooLongIsRefused) {
  const auto made = crypto::make_certificate({.lifetime = std::chrono::days{15}}, kWallNow).value();
  EndpointConfig config = server_config();
  config.server_tls = ServerTls::make({made.certificate, made.private_key, {"test"}}).value();
  const CertificateHash hash = crypto::parse_certificate(made.certificate).value().fingerprint;
  const auto reason = outcome(with(Verify::hashes, kWallNow, {hash}), "localhost", std::move(config));
  ASSERT_TRUE(reason);
  EXPECT_THAT(reason->reason, HasSubstr("valid for more than 14 days"));
}

TEST(QuicTls, Rfc9001Section8_1_NoCommonProtocolEndsTheHandshake) {
  const auto reason = outcome(client_tls(Verify::off, {"other"}), "localhost");
  ASSERT_TRUE(reason);
  EXPECT_EQ(reason->kind, CloseReason::Kind::peer_transport);
  EXPECT_EQ(reason->code, 0x178U) << "no_application_protocol";
  EXPECT_THAT(reason->reason, HasSubstr("speaks none of the application protocols"));
}

TEST(QuicTls, AnRsaKeySigns) {
  const auto made = crypto::make_certificate({.key = crypto::KeyKind::rsa_2048}, kWallNow).value();
  EndpointConfig config = server_config();
  config.server_tls = ServerTls::make({made.certificate, made.private_key, {"test"}}).value();
  EXPECT_FALSE(outcome(client_tls(Verify::off), "localhost", std::move(config)).has_value());
}

TEST(QuicTls, TheServersPreferenceDecides) {
  Pair pair{1, server_config({"first", "second"})};
  pair.connect(client_tls(Verify::off, {"second", "first"}));
  EXPECT_TRUE(pair.network.run([&] { return pair.client.completed; }));
  EXPECT_EQ(pair.client.connection->alpn(), "first");
}

TEST(QuicTls, MistakesInTheConfigurationAreNamed) {
  const auto& pem = test_certificate();
  const auto other = crypto::make_certificate({}, kWallNow).value();
  EXPECT_THAT(ServerTls::make({pem.certificate, pem.private_key, {}}).error().message, HasSubstr("name at least one"));
  EXPECT_THAT(ServerTls::make({pem.certificate, pem.private_key, {""}}).error().message, HasSubstr("1 to 255 bytes"));
  EXPECT_THAT(ServerTls::make({pem.certificate, other.private_key, {"x"}}).error().message,
              HasSubstr("does not belong to the certificate"));
  const auto rsa = crypto::make_certificate({.key = crypto::KeyKind::rsa_2048}, kWallNow).value();
  EXPECT_THAT(ServerTls::make({pem.certificate, rsa.private_key, {"x"}}).error().message,
              HasSubstr("does not belong to the certificate"));
  EXPECT_THAT(ServerTls::make({"no", pem.private_key, {"x"}}).error().message, HasSubstr("certificate is no PEM text"));
  EXPECT_THAT(ServerTls::make({pem.certificate, "no", {"x"}}).error().message, HasSubstr("private key is no PEM text"));
  ClientTlsConfig config;
  config.alpn = {"x"};
  EXPECT_THAT(ClientTls::make(config).error().message, HasSubstr("set wall_clock"));
  config.wall_clock = [] { return kWallNow; };
  config.authority_pem = "no PEM";
  EXPECT_THAT(ClientTls::make(config).error().message, HasSubstr("no PEM text with a certificate"));
  config.verify = Verify::hashes;
  EXPECT_THAT(ClientTls::make(config).error().message, HasSubstr("no certificate hash"));
}

}  // namespace
}  // namespace plait::quic
