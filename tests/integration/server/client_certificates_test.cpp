// Certificates that clients show, on the wires that encrypt.
#include "crypto/certificate.hpp"

#include <fstream>

#include "integration/server/wires.hpp"

namespace plait::test {
namespace {

class ServerClientCertificates : public EveryWire {
 protected:
  /// A self-signed certificate, its own authority; its files' names.
  TlsFiles make_client(const std::string& name, const std::string& purpose = "clientAuth",
                       std::chrono::system_clock::time_point now = std::chrono::system_clock::now()) {
    const auto made = crypto::make_certificate(
        {.common_name = name, .names = {name + ".example", "192.0.2.7"}, .key_purpose = purpose}, now);
    EXPECT_TRUE(made);
    TlsFiles files{.certificate_file = folder_.file(name + ".pem"), .private_key_file = folder_.file(name + ".key")};
    std::ofstream{files.certificate_file} << made->certificate;
    std::ofstream{files.private_key_file} << made->private_key;
    return files;
  }
  /// A server that lets the owners of `authority` in, and sends their name to everyone as the subprotocol's place.
  void start(ClientCertificates policy, const TlsFiles& authority) {
    ServerOptions options;
    options.client_certificates = policy;
    options.client_authority_file = authority.certificate_file;
    Calls calls = echo();
    calls.on_request = [this](OpeningRequest& request) {
      const ClientCertificate* certificate = request.certificate();
      std::string owner = certificate == nullptr ? "nobody" : certificate->subject;
      if (certificate != nullptr) {
        for (const std::string& name : certificate->names) owner += " " + name;
      }
      owner_.set(owner);
      request.accept();
    };
    make(options);
    listen(calling(calls));
    server_->start();
  }
  /// Connects, and has the first message back: with TLS 1.3 a client hears of its refusal only after its handshake.
  std::string outcome(const TlsFiles& files = {}) {
    ConnectOptions with = trusting();
    with.certificate_file = files.certificate_file;
    with.private_key_file = files.private_key_file;
    const auto client = BlockingClient::connect(base_ + "/", with);
    return client ? "accepted" : client.error().message;
  }

  Box<std::string> owner_;
};

TEST_P(ServerClientCertificates, TheOwnerOfAnAcceptedOneIsTheHandlersToSee) {
  const TlsFiles client = make_client("worker-7");
  for (const auto policy : {ClientCertificates::optional, ClientCertificates::required}) {
    start(policy, client);
    EXPECT_EQ(outcome(client), "accepted");
    EXPECT_EQ(owner_.wait(), "CN=worker-7 DNS:worker-7.example IP:192.0.2.7");
  }
}

TEST_P(ServerClientCertificates, WithoutARequiredOneTheClientIsToldWhatToGive) {
  start(ClientCertificates::required, make_client("worker-7"));
  const QuietLog log;
  EXPECT_NE(outcome().find("asks for a client certificate"), std::string::npos) << outcome();
  EXPECT_FALSE(owner_.get());
  // The client may know before the server has written it down.
  const auto told = [&] { return log.text().find(" handshake failed: the client has shown no certificate"); };
  EXPECT_TRUE(wait_until([&] { return told() != std::string::npos; })) << log.text();
  EXPECT_EQ((*server_)->stats().handshakes_failed, 1U);
}

// Over QUIC, too: that the client has come as far proves its address.
TEST_P(ServerClientCertificates, EachThatIsRefusedHasALineOfTheLog) {
  constexpr std::size_t kClients = 4;
  start(ClientCertificates::required, make_client("worker-7"));
  const QuietLog log;
  for (std::size_t i = 0; i < kClients; ++i) EXPECT_NE(outcome(), "accepted");
  const auto lines = [&] {
    const std::string text = log.text();
    std::size_t count = 0;
    for (std::size_t at = 0; (at = text.find(" handshake failed: ", at)) != std::string::npos; ++at) ++count;
    return count;
  };
  EXPECT_TRUE(wait_until([&] { return lines() == kClients; })) << log.text();
}

TEST_P(ServerClientCertificates, WithoutAnOptionalOneThereIsNoOwner) {
  start(ClientCertificates::optional, make_client("worker-7"));
  EXPECT_EQ(outcome(), "accepted");
  EXPECT_EQ(owner_.wait(), "nobody");
}

TEST_P(ServerClientCertificates, OneThatIsNotAcceptedIsRefusedAlsoWhereItIsOptional) {
  const TlsFiles known = make_client("worker-7");
  const TlsFiles servers = make_client("server-7", "serverAuth");
  const TlsFiles old = make_client("worker-1", "clientAuth", std::chrono::system_clock::now() - std::chrono::days{30});
  const TlsFiles unknown = make_client("stranger");
  for (const auto policy : {ClientCertificates::optional, ClientCertificates::required}) {
    start(policy, known);
    const QuietLog log;
    const std::string told = outcome(unknown);
    EXPECT_TRUE(told.ends_with("(alert: unknown CA)") || told.ends_with("(alert: bad certificate)")) << told;
    EXPECT_TRUE(wait_until([&] { return log.text().find("the client's certificate is") != std::string::npos; }));
    EXPECT_EQ(log.text().find("connect with verification off"), std::string::npos) << log.text();
    start(policy, servers);
    EXPECT_NE(outcome(servers), "accepted") << "it is a server's";
    start(policy, old);
    EXPECT_NE(outcome(old), "accepted") << "it has expired";
    EXPECT_FALSE(owner_.get());
  }
}

TEST_P(ServerClientCertificates, ClientsFilesThatCannotBeUsedAreNamed) {
  start(ClientCertificates::optional, make_client("worker-7"));
  const TlsFiles other = make_client("other");
  EXPECT_NE(outcome({folder_.file("none.pem"), folder_.file("none.key")}).find("none.pem"), std::string::npos);
  EXPECT_NE(outcome({folder_.file("worker-7.pem"), other.private_key_file}).find("does not belong"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Wires, ServerClientCertificates, testing::Values("tls", "wss", "https", "quic"),
                         [](const auto& wire) { return wire.param; });

TEST(ServerClientAuthority, IsNeededAndMustBeReadable) {
  const Folder folder;
  ServerOptions options;
  options.threads = 1;
  options.tls = write_certificate(folder);
  options.client_certificates = ClientCertificates::required;
  Server without{options};
  const auto refused = without.listen("wss://127.0.0.1:0", handler<Echo>());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("client authority file"), std::string::npos) << refused.error().message;
  options.client_authority_file = folder.file("none.pem");
  Server unreadable{options};
  const auto missing = unreadable.listen("wss://127.0.0.1:0", handler<Echo>());
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("none.pem"), std::string::npos) << missing.error().message;
}

}  // namespace
}  // namespace plait::test
