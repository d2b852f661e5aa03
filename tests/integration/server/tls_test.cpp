// Certificates, their renewal, and the texts of what goes wrong while setting up or connecting.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>

#include "core/byte_sink.hpp"
#include "integration/server/support.hpp"
#include "server/certificate_loader.hpp"
#include "tls/engine.hpp"

namespace plait::test {
namespace {

using testing::Test;

class ServerTls : public Test {
 protected:
  ServerTls() {
    options_.tls = write_certificate(folder_);
    server_ = std::make_unique<TestServer>(options_);
    url_ = server_->listen("wss");
    server_->start();
  }
  [[nodiscard]] ConnectOptions trusting(const std::string& authority) const {
    ConnectOptions options;
    options.certificate_authority_file = authority;
    return options;
  }
  /// Keeps the certificate that is served now, to trust it later.
  std::string save_certificate(const std::string& name) {
    std::filesystem::copy_file(options_.tls.certificate_file, folder_.file(name));
    return folder_.file(name);
  }
  /// What a TLS client that offers `alpn` is given; none if the handshake fails.
  static std::optional<std::string> chosen_protocol(const std::string& url, std::vector<std::string> alpn) {
    tls::ClientConfig config;
    config.verify = false;
    config.alpn = std::move(alpn);
    const auto context = tls::Context::client(config);
    const auto engine = tls::Engine::connect(*context, "localhost");
    RawClient client{port_of(url.substr(0, url.rfind('/')))};
    core::VectorSink out;
    tls::Status status = engine->start(out);
    while (status == tls::Status::ok && !engine->handshake_done()) {
      client.send(as_text(out.bytes));
      out.clear();
      const std::string answer = client.read_some();
      if (answer.empty()) return std::nullopt;
      ByteView ciphertext = as_bytes(answer);
      std::array<std::uint8_t, 1024> plaintext;
      std::size_t size = 0;
      status = engine->decrypt(ciphertext, plaintext, size, out);
    }
    if (status != tls::Status::ok) return std::nullopt;
    return std::string{engine->alpn()};
  }
  struct Ended {
    std::string answer;
    tls::Status status = tls::Status::ok;  ///< closed: the server said so; ok: the connection just ended
  };
  /// What a TLS client that sends `request` gets until the server ends the connection. `when_answered` is called when
  /// some of it is there.
  static Ended ask(std::uint16_t port, const std::string& request, const std::function<void()>& when_answered = {}) {
    const auto context = tls::Context::client({.verify = false, .authority_file = {}});
    const auto engine = tls::Engine::connect(*context, "localhost");
    RawClient client{port};
    core::VectorSink out;
    Ended ended{{}, engine->start(out)};
    std::vector<std::uint8_t> plaintext(std::size_t{64} << 10);
    bool asked = false;
    bool told = false;
    while (ended.status == tls::Status::ok) {
      if (engine->handshake_done() && !std::exchange(asked, true)) engine->encrypt(as_bytes(request), out);
      client.send(as_text(out.bytes));
      out.clear();
      const std::string records = client.read_some();
      if (records.empty()) break;
      ByteView ciphertext = as_bytes(records);
      std::size_t size = 0;
      ended.status = engine->decrypt(ciphertext, plaintext, size, out);
      ended.answer += as_text(ByteView{plaintext}.first(size));
      if (when_answered && !ended.answer.empty() && !std::exchange(told, true)) when_answered();
    }
    return ended;
  }
  bool accepts(const std::string& authority) { return BlockingClient::connect(url_, trusting(authority)).has_value(); }

  Folder folder_;
  ServerOptions options_;
  std::unique_ptr<TestServer> server_;
  std::string url_;
};

TEST_F(ServerTls, AChangedCertificateServesNewConnectionsWhileOldOnesLive) {
  const std::string old_authority = save_certificate("old.pem");
  auto old_session = BlockingClient::connect(url_, trusting(old_authority));
  ASSERT_TRUE(old_session) << old_session.error().message;
  write_certificate(folder_);  // the server watches the files
  EXPECT_TRUE(wait_until([&] { return accepts(options_.tls.certificate_file); }));
  EXPECT_FALSE(accepts(old_authority));
  ASSERT_TRUE(old_session->send(Message::text("still here")));
  const auto echo = old_session->receive();
  ASSERT_TRUE(echo && *echo);
  EXPECT_EQ((*echo)->data.text(), "still here");
}

TEST_F(ServerTls, ReloadWithABadFileSaysSoAndTheOldCertificateStays) {
  const std::string authority = save_certificate("old.pem");
  std::filesystem::remove(options_.tls.certificate_file);
  const auto reloaded = (*server_)->reload();
  ASSERT_FALSE(reloaded);
  EXPECT_NE(reloaded.error().message.find(options_.tls.certificate_file), std::string::npos)
      << reloaded.error().message;
  EXPECT_TRUE(accepts(authority));
}

TEST_F(ServerTls, ReloadFromAnotherThreadTakesEffect) {
  const Folder elsewhere;  // what is written by other names of the same files is not seen by who watches these
  const TlsFiles fresh = write_certificate(elsewhere);
  for (const auto& [file, from] : {std::pair{options_.tls.certificate_file, fresh.certificate_file},
                                   {options_.tls.private_key_file, fresh.private_key_file}}) {
    const std::string other_name = from + ".link";
    std::filesystem::create_hard_link(file, other_name);
    std::ofstream{other_name} << std::ifstream{from}.rdbuf();
  }
  EXPECT_FALSE(accepts(options_.tls.certificate_file));
  ASSERT_TRUE((*server_)->reload());
  EXPECT_TRUE(wait_until([&] { return accepts(options_.tls.certificate_file); }));
}

TEST_F(ServerTls, AFolderThatCannotBeWatchedIsAWarning) {
  const Folder gone;
  ServerOptions options;
  options.tls = write_certificate(gone);
  const std::string authority = folder_.file("authority.pem");
  std::filesystem::copy_file(options.tls.certificate_file, authority);
  TestServer server{options};
  const std::string url = server.listen("wss");
  const QuietLog log;
  std::filesystem::remove_all(std::filesystem::path{options.tls.certificate_file}.parent_path());
  server.start();
  EXPECT_TRUE(BlockingClient::connect(url, trusting(authority)));
  EXPECT_NE(log.text().find("the certificate's files are not watched: SIGHUP"), std::string::npos) << log.text();
}

TEST_F(ServerTls, PlainHttpAndGarbageEndTheConnectionAndNothingElse) {
  for (const std::string& bytes : {upgrade_request(), std::string(1000, '\xff'), std::string(1, '\x16')}) {
    RawClient client{port_of(url_.substr(0, url_.rfind('/')))};
    client.send(bytes);
    client.shutdown_write();
    const std::string answer = client.read_all();
    EXPECT_EQ(answer.find("HTTP"), std::string::npos);
  }
  EXPECT_TRUE(accepts(options_.tls.certificate_file));
  EXPECT_TRUE(wait_until([&] { return (*server_)->stats().connections_open == 0; }));
}

TEST_F(ServerTls, AHandshakeThatStallsIsCut) {
  ServerOptions options = options_;
  options.limits.handshake_timeout = 50ms;
  TestServer server{options};
  const std::string url = server.listen("tls");
  server.start();
  RawClient client{port_of(url.substr(0, url.rfind('/')))};
  client.send("\x16\x03\x01");
  EXPECT_EQ(client.read_all(), "");
}

// What of the server's flight is under way is no response that may take its time.
TEST_F(ServerTls, AHandshakeWhoseAnswerIsNotReadIsCut) {
  ServerOptions options = options_;
  options.limits.handshake_timeout = 50ms;
  options.tls.certificate_file = folder_.file("chain.pem");
  std::ofstream chain{options.tls.certificate_file};
  for (int i = 0; i < 100; ++i) chain << std::ifstream{options_.tls.certificate_file}.rdbuf();
  chain.close();
  TestServer server{options};
  const std::string url = server.listen("wss");
  server.start();
  const auto context = tls::Context::client({.verify = false, .authority_file = {}});
  core::VectorSink hello;
  tls::Engine::connect(*context, "localhost")->start(hello);
  RawClient client{port_of(url.substr(0, url.rfind('/'))), 1024};
  client.send(as_text(hello.bytes));
  EXPECT_TRUE(wait_until([&] {
    const ServerStats stats = server->stats();
    return stats.connections_accepted == 1 && stats.connections_open == 0;
  }));
}

TEST_F(ServerTls, Rfc9112Section9_8AnIdleConnectionEndsWithACloseAlert) {
  const std::string request = "GET /none HTTP/1.1\r\nHost: localhost\r\n\r\n";
  ServerOptions options = options_;
  options.limits.keep_alive_timeout = 50ms;
  TestServer idle{options};
  const std::uint16_t port = port_of(idle.listen("wss", handler<Echo>(), ""));
  idle.start();
  const Ended after_idleness = ask(port, request);
  EXPECT_TRUE(after_idleness.answer.ends_with("not found\n")) << after_idleness.answer;
  EXPECT_EQ(after_idleness.status, tls::Status::closed);

  TestServer draining{options_};
  const std::uint16_t other = port_of(draining.listen("wss", handler<Echo>(), ""));
  draining.start();
  const Ended after_drain = ask(other, request, [&] { draining->drain(); });
  EXPECT_TRUE(after_drain.answer.ends_with("not found\n")) << after_drain.answer;
  EXPECT_EQ(after_drain.status, tls::Status::closed);
}

TEST_F(ServerTls, Rfc9110Section7_4AnHttpsTargetIsServedUnderTls) {
  const Ended ended = ask(port_of(url_.substr(0, url_.rfind('/'))),
                          "GET https://localhost/none HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(ended.answer.starts_with("HTTP/1.1 404")) << ended.answer;
}

// RFC 7301 §3.2: with no protocol in common the handshake fails; so nobody's HTTP request is read as frames.
TEST_F(ServerTls, AWireTakesItsOwnProtocolOnly) {
  TestServer server{options_};
  const std::string framed = server.listen("tls");
  server.start();
  EXPECT_EQ(chosen_protocol(url_, {"http/1.1"}), "http/1.1");
  EXPECT_EQ(chosen_protocol(url_, {"plait/1"}), std::nullopt);
  EXPECT_EQ(chosen_protocol(framed, {"plait/1"}), "plait/1");
  EXPECT_EQ(chosen_protocol(framed, {"http/1.1", "plait/1"}), "plait/1");
  EXPECT_EQ(chosen_protocol(framed, {"http/1.1"}), std::nullopt);
  EXPECT_EQ(chosen_protocol(framed, {}), "") << "who names none may come";
  write_certificate(folder_);
  ASSERT_TRUE(server->reload());
  EXPECT_EQ(chosen_protocol(framed, {"http/1.1"}), std::nullopt) << "also with the next certificate";
}

// So that clients learn by a stateless reset that a server that was killed has forgotten them; and so that no other
// server with the same certificate can be made to send that reset (RFC 9000 §21.11).
TEST_F(ServerTls, TheKeyOfQuicTokensIsTheSameAfterARestartAndAnotherOneAtAnotherAddress) {
  const auto secret = [this](const char* address) {
    return quic_secret_of(*CertificateLoader{options_}.load(), address);
  };
  const auto before = secret("127.0.0.1:4433");
  EXPECT_EQ(secret("127.0.0.1:4433"), before);
  EXPECT_NE(secret("127.0.0.1:4434"), before);
  write_certificate(folder_);
  EXPECT_NE(secret("127.0.0.1:4433"), before);
}

// They are dated by a clock that begins anew with the machine.
TEST_F(ServerTls, TheKeyOfAddressTokensIsAnotherOneAfterAStartOfTheMachine) {
  const auto secret = quic_secret_of(*CertificateLoader{options_}.load(), "127.0.0.1:4433");
  EXPECT_FALSE(boot_name().empty());
  EXPECT_EQ(quic_token_secret_of(secret, boot_name()), quic_token_secret_of(secret, boot_name()));
  EXPECT_NE(quic_token_secret_of(secret, boot_name()), quic_token_secret_of(secret, "another"));
  EXPECT_NE(quic_token_secret_of(secret, ""), secret);
}

// Another name of loopback is another origin: whoever has that port there may be another program.
TEST_F(ServerTls, APageGoesOnToWebTransportUnderItsOwnHostOnly) {
  TestServer server{options_};
  const std::string page = server.listen("ws");
  const std::string url = server.listen("https");
  server.start();
  const auto connect = [&](const std::string& host) {
    ConnectOptions options;
    options.verify_certificate = false;
    options.headers = {{"Origin", "http://" + host + ":" + std::to_string(port_of(page))}};
    return BlockingClient::connect(url, options);
  };
  const auto own = connect("127.0.0.1");
  EXPECT_TRUE(own) << own.error().message;
  for (const char* host : {"localhost", "[::1]"}) {
    const auto refused = connect(host);
    ASSERT_FALSE(refused) << host;
    EXPECT_NE(refused.error().message.find("403"), std::string::npos) << refused.error().message;
  }
}

TEST_F(ServerTls, AnUnknownAuthorityIsNamed) {
  const auto client = BlockingClient::connect(url_);
  ASSERT_FALSE(client);
  EXPECT_NE(client.error().message.find("certificate"), std::string::npos) << client.error().message;
  EXPECT_NE(client.error().message.find("127.0.0.1"), std::string::npos) << client.error().message;
}

TEST_F(ServerTls, AClientReadsTheAuthoritiesOnce) {
  const std::string authority = save_certificate("authority.pem");
  Client client;
  const auto opens = [&](const ConnectOptions& options) {
    bool opened = false;
    Calls calls;
    calls.on_open = [&](Session& session) {
      opened = true;
      session.close();
    };
    const auto connected = client.connect(url_, std::make_unique<Called>(calls), options);
    client.run();
    return connected && opened;
  };
  EXPECT_TRUE(opens(trusting(authority)));
  std::filesystem::remove(authority);
  EXPECT_TRUE(opens(trusting(authority)));
  EXPECT_FALSE(opens(trusting(folder_.file("absent.pem")))) << "other options have another context";
  EXPECT_FALSE(opens({})) << "the system's authorities do not know it";
}

TEST_F(ServerTls, VerificationCanBeTurnedOff) {
  ConnectOptions options;
  options.verify_certificate = false;
  EXPECT_TRUE(BlockingClient::connect(url_, options));
}

TEST_F(ServerTls, APlainServerIsNotTakenForTls) {
  TestServer plain;
  const std::string url = plain.listen("ws");
  plain.start();
  const auto client = BlockingClient::connect("wss" + url.substr(2), trusting(options_.tls.certificate_file));
  ASSERT_FALSE(client);
  EXPECT_NE(client.error().message.find("TLS"), std::string::npos) << client.error().message;
}

// --- Errors of set-up ------------------------------------------------------------------------------------------------

void expect_words(const Error& error, std::initializer_list<std::string> words) {
  for (const std::string& word : words) EXPECT_NE(error.message.find(word), std::string::npos) << error.message;
}

TEST(ServerErrors, ARefusedConnectionSaysSo) {
  const DeafPort port;
  const std::string url = "ws://127.0.0.1:" + std::to_string(port.number()) + "/";
  const auto client = BlockingClient::connect(url);
  ASSERT_FALSE(client);
  expect_words(client.error(), {url, "refused"});
}

TEST(ServerErrors, APortInUseIsNamed) {
  TestServer first;
  const std::string url = first.listen("ws");
  Server second;
  const auto listening = second.listen(url, handler<Echo>());
  ASSERT_FALSE(listening);
  expect_words(listening.error(), {std::to_string(port_of(url.substr(0, url.rfind('/')))), "in use"});
}

TEST(ServerErrors, AMissingCertificateNamesTheFile) {
  Folder folder;
  ServerOptions options;
  options.tls = {.certificate_file = folder.file("absent.pem"), .private_key_file = folder.file("key.pem")};
  Server server{options};
  const auto listening = server.listen("wss://127.0.0.1:0/", handler<Echo>());
  ASSERT_FALSE(listening);
  expect_words(listening.error(), {folder.file("absent.pem")});
}

TEST(ServerErrors, ACertificateOutsideItsTimeIsNamedWithTheDate) {
  const std::chrono::system_clock::time_point day{std::chrono::sys_days{std::chrono::year{2020} / 2 / 28}};
  const struct {
    std::chrono::system_clock::time_point made;
    std::string says;
  } cases[] = {{day, " expired on 2020-03-12 00:00:00 UTC"},
               {day + std::chrono::days{365 * 100}, " is valid only from 2120-02-03 23:59:00 UTC"}};
  for (const auto& [made, says] : cases) {
    Folder folder;
    const QuietLog log;
    ServerOptions options;
    options.tls = write_certificate(folder, made);
    Server server{options};
    ASSERT_TRUE(server.listen("wss://127.0.0.1:0/", handler<Echo>()));
    ASSERT_TRUE(server.listen("tls://127.0.0.1:0/", handler<Echo>()));
    const std::string text = log.text();
    EXPECT_NE(text.find("certificate file " + options.tls.certificate_file + says), std::string::npos) << text;
    EXPECT_EQ(std::ranges::count(text, '\n'), 1) << "once for all listeners";
  }
}

TEST(ServerErrors, ATlsSchemeWithoutCertificateNamesTheOptions) {
  Server server;
  const auto listening = server.listen("tls://127.0.0.1:0/", handler<Echo>());
  ASSERT_FALSE(listening);
  expect_words(listening.error(), {"certificate", "key"});
}

TEST(ServerErrors, ABadOrUnservedUrlIsNamed) {
  Server server;
  for (const std::string url : {"http://127.0.0.1:0/", "nonsense", "ws://127.0.0.1:99999/"}) {
    const auto listening = server.listen(url, handler<Echo>());
    ASSERT_FALSE(listening) << url;
    expect_words(listening.error(), {url});
  }
}

TEST(ServerErrors, AFurtherPathOnTheSameAddressIsNoError) {
  TestServer server;
  const std::string url = server.listen("ws", handler<Echo>(), "/a");
  ASSERT_TRUE(server->listen(url.substr(0, url.size() - 1) + "b", handler<Echo>()));
  server.start();
  EXPECT_TRUE(BlockingClient::connect(url));
  EXPECT_TRUE(BlockingClient::connect(url.substr(0, url.size() - 1) + "b"));
  EXPECT_FALSE(BlockingClient::connect(url + "c"));
}

}  // namespace
}  // namespace plait::test
