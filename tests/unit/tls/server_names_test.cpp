// Certificates chosen by the name that a client asks for (SNI, RFC 6066 §3).
#include <gtest/gtest.h>

#include <optional>

#include "pair.hpp"

namespace plait::tls {
namespace {

class ServerNames : public testing::TestWithParam<Version> {
 protected:
  [[nodiscard]] ServerConfig config() const {
    ServerConfig made = other_.server();
    made.further = {{site_.certificate(), site_.key()}, {apps_.certificate(), apps_.key()}};
    return made;
  }
  /// Whether a client that trusts `credentials` alone gets through to `host`.
  bool shows(const std::string& host, const Credentials& credentials) {
    Pair pair{*Context::client(credentials.client(GetParam())), server_, host};
    pair.run();
    if (!pair.ready()) return false;
    pair.expect_works();
    return true;
  }

  Credentials other_{{.names = {"localhost", "127.0.0.1"}}};
  Credentials site_{{.names = {"site.example"}}};
  Credentials apps_{{.names = {"*.apps.example"}}};
  Context server_ = *Context::server(config());
};

INSTANTIATE_TEST_SUITE_P(Tls, ServerNames, testing::Values(Version::tls_1_2, Version::tls_1_3), name_of);

TEST_P(ServerNames, TheNameChoosesTheCertificate) {
  EXPECT_TRUE(shows("site.example", site_));
  EXPECT_TRUE(shows("a.apps.example", apps_));
  EXPECT_TRUE(shows("localhost", other_));
  EXPECT_TRUE(shows("127.0.0.1", other_)) << "an address is no name to ask for";
  EXPECT_FALSE(shows("site.example", other_));
  EXPECT_FALSE(shows("unknown.example", site_));
}

TEST_P(ServerNames, MayGoWhileAConnectionBegins) {
  std::optional<Context> server{*Context::server(config())};
  Pair pair{*Context::client(site_.client(GetParam())), *server, "site.example"};
  server.reset();
  pair.run();
  pair.expect_works();
  EXPECT_EQ(pair.server.engine->alpn(), "http/1.1");
}

TEST(ServerNamesFiles, AFurtherCertificateThatCannotBeReadIsNamed) {
  const Credentials credentials;
  ServerConfig config = credentials.server();
  config.further = {{credentials.file("missing.pem"), credentials.key()}};
  const auto made = Context::server(config);
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().message.find("missing.pem"), std::string::npos);
}

}  // namespace
}  // namespace plait::tls
