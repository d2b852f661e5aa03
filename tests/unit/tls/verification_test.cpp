// Who is accepted as a peer: names, dates, authorities, application protocols.
#include <gtest/gtest.h>

#include "pair.hpp"

namespace plait::tls {
namespace {

using namespace std::chrono_literals;

class Verification : public testing::Test {
 protected:
  // The client's error; empty when the handshake succeeded.
  std::string error_of(const Credentials& server, const ClientConfig& config, const std::string& host = "localhost") {
    Pair pair{*Context::client(config), *Context::server(server.server()), host};
    pair.run();
    EXPECT_EQ(pair.client.status == Status::failed, !pair.client.engine->error().empty());
    server_error_ = pair.server.engine->error();
    return pair.client.engine->error();
  }
  Credentials credentials_;
  std::string server_error_;
};

TEST_F(Verification, EveryNameOfTheCertificateIsAccepted) {
  for (const char* host : {"localhost", "LOCALHOST", "127.0.0.1", "::1"}) {
    EXPECT_EQ(error_of(credentials_, credentials_.client(), host), "") << host;
  }
}

TEST_F(Verification, AnotherNameIsRefused) {
  for (const std::string host : {"example.test", "127.0.0.2", "::2", "localhost.example.test", "ocalhost"}) {
    EXPECT_EQ(
        error_of(credentials_, credentials_.client(), host),
        "the certificate of " + host + " is not valid for that name: connect by a name that the certificate lists");
    EXPECT_EQ(server_error_, "the peer does not accept our certificate (alert: bad certificate)");
  }
}

TEST_F(Verification, Rfc6066Section3ServerNameIsSentForNamesAndNotForAddresses) {
  const Context context = *Context::client(credentials_.client());
  for (const std::string host : {"example.test", "192.0.2.77"}) {
    Side client{Engine::connect(context, host), {}, {}};
    client.engine->start(client.output);
    const bool sent = as_text(client.output.bytes).find(host) != std::string_view::npos;
    EXPECT_EQ(sent, host == "example.test") << host;
  }
}

TEST_F(Verification, Rfc6066Section3TheDotOfAnAbsoluteNameIsInNeitherNameNorCertificate) {
  EXPECT_EQ(error_of(credentials_, credentials_.client(), "localhost."), "");
  EXPECT_NE(error_of(credentials_, credentials_.client(), "localhost.."), "");
  const Context context = *Context::client(credentials_.client());
  Side client{Engine::connect(context, "example.test."), {}, {}};
  client.engine->start(client.output);
  EXPECT_NE(as_text(client.output.bytes).find("example.test"), std::string_view::npos);
  EXPECT_EQ(as_text(client.output.bytes).find("example.test."), std::string_view::npos);
}

TEST_F(Verification, WildcardsCoverOneLabel) {
  crypto::CertificateOptions options;
  options.names = {"*.example.test", "part*.example.org"};
  const Credentials wild{options};
  EXPECT_EQ(error_of(wild, wild.client(), "a.example.test"), "");
  for (const char* host : {"example.test", "a.b.example.test", "partial.example.org"}) {
    EXPECT_NE(error_of(wild, wild.client(), host), "") << host;
  }
}

TEST_F(Verification, AnExpiredCertificateIsRefused) {
  const Credentials expired{{}, std::chrono::system_clock::now() - std::chrono::days{14}};
  EXPECT_EQ(error_of(expired, expired.client()), "the certificate of localhost has expired: its owner must renew it");
}

TEST_F(Verification, ACertificateOfTheFutureIsRefused) {
  const Credentials early{{}, std::chrono::system_clock::now() + 1h};
  EXPECT_EQ(error_of(early, early.client()),
            "the certificate of localhost is not valid yet: check this machine's clock");
}

TEST_F(Verification, ASelfSignedCertificateIsRefusedByTheSystemsAuthorities) {
  EXPECT_EQ(error_of(credentials_, ClientConfig{}),
            "the certificate of localhost is self-signed: use it as certificate authority file, or for development "
            "connect with verification off");
  EXPECT_EQ(server_error_, "the peer does not accept our certificate (alert: unknown CA)");
}

TEST_F(Verification, TheAuthorityOfAnotherIsRefused) {
  crypto::CertificateOptions options;
  options.common_name = "another";
  const Credentials other{options};
  EXPECT_NE(error_of(credentials_, other.client()), "");
}

TEST_F(Verification, OffAcceptsAnything) {
  const Credentials expired{{}, std::chrono::system_clock::now() - std::chrono::days{14}};
  ClientConfig config;
  config.verify = false;
  EXPECT_EQ(error_of(expired, config, "example.test"), "");
}

TEST_F(Verification, AHostThatIsNoNameFails) {
  const Context context = *Context::client(credentials_.client());
  using namespace std::string_literals;
  for (const std::string& host : {""s, "localhost\0.example.test"s, std::string(300, 'x')}) {
    Side client{Engine::connect(context, host), {}, {}};
    EXPECT_EQ(client.engine->start(client.output), Status::failed);
    EXPECT_EQ(client.engine->error(), "'" + host + "' is no valid host name");
    EXPECT_TRUE(client.output.bytes.empty());
  }
}

class Alpn : public testing::Test {
 protected:
  Pair make(const std::vector<std::string>& server, const std::vector<std::string>& client) {
    ServerConfig server_config = credentials_.server();
    server_config.alpn = server;
    ClientConfig client_config = credentials_.client();
    client_config.alpn = client;
    Pair pair{*Context::client(client_config), *Context::server(server_config)};
    pair.run();
    return pair;
  }
  Credentials credentials_;
};

TEST_F(Alpn, TheServersOrderDecides) {
  const Pair pair = make({"plait/1", "http/1.1"}, {"h2", "http/1.1", "plait/1"});
  EXPECT_EQ(pair.client.engine->alpn(), "plait/1");
  EXPECT_EQ(pair.server.engine->alpn(), "plait/1");
}

TEST_F(Alpn, Rfc7301Section3_2NoOverlapIsRefused) {
  const Pair pair = make({"plait/1"}, {"h2"});
  EXPECT_EQ(pair.server.status, Status::failed);
  EXPECT_EQ(pair.server.engine->error(), "the peer offers none of our application protocols (ALPN)");
  EXPECT_EQ(pair.client.engine->error(), "the peer speaks none of the application protocols (ALPN) we offered");
}

TEST_F(Alpn, AClientWithoutItIsAccepted) {
  Pair pair = make({"http/1.1"}, {});
  pair.expect_works();
  EXPECT_EQ(pair.server.engine->alpn(), "");
}

TEST_F(Alpn, AServerWithoutItIgnoresTheOffer) {
  Pair pair = make({}, {"h2"});
  pair.expect_works();
  EXPECT_EQ(pair.client.engine->alpn(), "");
}

TEST_F(Alpn, Rfc7301Section3_1NamesHaveOneTo255Bytes) {
  ServerConfig server = credentials_.server();
  ClientConfig client = credentials_.client();
  for (std::size_t size : {0U, 256U}) {
    server.alpn = client.alpn = {std::string(size, 'x')};
    EXPECT_FALSE(Context::server(server)) << size;
    EXPECT_FALSE(Context::client(client)) << size;
  }
  server.alpn = client.alpn = {std::string(255, 'x')};
  EXPECT_TRUE(Context::server(server));
  EXPECT_TRUE(Context::client(client));
}

}  // namespace
}  // namespace plait::tls
