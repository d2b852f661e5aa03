#include "tls/engine.hpp"

#include <gtest/gtest.h>

#include "pair.hpp"

namespace plait::tls {
namespace {

std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 7 + i / 251);
  return text;
}

// The payload lengths of the records (RFC 8446 §5.1) in `bytes`.
std::vector<std::size_t> record_sizes(ByteView bytes) {
  std::vector<std::size_t> sizes;
  while (bytes.size() >= 5) {
    sizes.push_back(static_cast<std::size_t>(bytes[3] << 8 | bytes[4]));
    bytes = bytes.subspan(5 + sizes.back());
  }
  EXPECT_TRUE(bytes.empty());
  return sizes;
}

class EveryVersion : public testing::TestWithParam<Version> {
 protected:
  [[nodiscard]] ClientConfig client() const { return credentials_.client(GetParam()); }
  Credentials credentials_;
};

INSTANTIATE_TEST_SUITE_P(Tls, EveryVersion, testing::Values(Version::tls_1_2, Version::tls_1_3), name_of);

TEST_P(EveryVersion, HandshakeAndTextBothWays) {
  Pair pair{credentials_, GetParam()};
  pair.run();
  pair.expect_works();
  EXPECT_EQ(pair.client.engine->alpn(), "http/1.1");
  EXPECT_EQ(pair.server.engine->alpn(), "http/1.1");
}

TEST_P(EveryVersion, HandshakeByteByByte) {
  Pair pair{credentials_, GetParam()};
  pair.run(1);
  pair.expect_works();
}

TEST_P(EveryVersion, HandshakeSplitAnywhere) {
  const Context client_context = *Context::client(client());
  const Context server_context = *Context::server(credentials_.server());
  std::size_t longest = 1;
  for (std::size_t cut = 1; cut <= longest; ++cut) {
    Pair pair{client_context, server_context};
    while (!pair.client.output.bytes.empty() || !pair.server.output.bytes.empty()) {
      const auto split = [&](Side& from, Side& to) {
        const auto bytes = from.take_output();
        longest = std::max(longest, bytes.size());
        const std::size_t first = std::min(cut, bytes.size());
        to.give(ByteView{bytes}.first(first));
        to.give(ByteView{bytes}.subspan(first));
      };
      split(pair.client, pair.server);
      split(pair.server, pair.client);
    }
    pair.expect_works();
    ASSERT_FALSE(HasFailure()) << cut;
  }
  EXPECT_GT(longest, 500U);
}

TEST_P(EveryVersion, BulkAroundRecordBoundaries) {
  Pair pair{credentials_, GetParam()};
  pair.run();
  for (std::size_t size : {1U, 2U, 255U, 16383U, 16384U, 16385U, 32767U, 32768U, 32769U, 1U << 20U}) {
    const std::string text = pattern(size);
    pair.client.received.clear();
    pair.server.received.clear();
    ASSERT_EQ(pair.client.engine->encrypt(as_bytes(text), pair.client.output), Status::ok);
    ASSERT_EQ(pair.server.engine->encrypt(as_bytes(text), pair.server.output), Status::ok);
    pair.run(5000);
    EXPECT_EQ(pair.server.received == text, true) << size;
    EXPECT_EQ(pair.client.received == text, true) << size;
  }
}

TEST_P(EveryVersion, RecordsAreFullAndASmallTextIsOne) {
  Pair pair{credentials_, GetParam()};
  pair.run();
  const auto sizes_of = [&](std::size_t size) {
    pair.server.output.clear();
    EXPECT_EQ(pair.server.engine->encrypt(as_bytes(pattern(size)), pair.server.output), Status::ok);
    return record_sizes(pair.server.output.bytes);
  };
  const std::size_t overhead = sizes_of(100).at(0) - 100;  // of one record
  EXPECT_LE(overhead, 24U);
  EXPECT_EQ(sizes_of(1), (std::vector<std::size_t>{1 + overhead}));
  EXPECT_EQ(sizes_of(16384), (std::vector<std::size_t>{16384 + overhead}));
  EXPECT_EQ(sizes_of(16385), (std::vector<std::size_t>{16384 + overhead, 1 + overhead}));
  EXPECT_EQ(sizes_of(50000),
            (std::vector<std::size_t>{16384 + overhead, 16384 + overhead, 16384 + overhead, 848 + overhead}));
  EXPECT_EQ(sizes_of(0), std::vector<std::size_t>{});
}

TEST_P(EveryVersion, APlaintextBufferOfAnySizeGetsEverything) {
  Pair pair{credentials_, GetParam()};
  pair.run();
  const std::string text = pattern(100'000);
  for (std::size_t size : {7U, 1000U, 16384U, 50'000U, 99'999U, 100'000U, 100'001U}) {
    pair.server.received.clear();
    pair.server.plaintext_bytes = size;
    ASSERT_EQ(pair.client.engine->encrypt(as_bytes(text), pair.client.output), Status::ok);
    Pair::deliver(pair.client, pair.server);
    EXPECT_EQ(pair.server.received == text, true) << size;
    EXPECT_FALSE(pair.server.engine->pending());
  }
}

TEST_P(EveryVersion, CiphertextThatComesWhileSomeIsHeldQueuesBehindIt) {
  Pair pair{credentials_, GetParam()};
  pair.run();
  const std::string text = pattern(40'000);
  ASSERT_EQ(pair.client.engine->encrypt(as_bytes(text), pair.client.output), Status::ok);
  const auto bytes = pair.client.take_output();
  std::string received;
  for (std::size_t offset = 0; offset < bytes.size() || pair.server.engine->pending();) {
    ByteView piece = ByteView{bytes}.subspan(offset, std::min<std::size_t>(3000, bytes.size() - offset));
    offset += piece.size();
    std::array<std::uint8_t, 1000> plaintext;
    std::size_t size = 0;
    ASSERT_EQ(pair.server.engine->decrypt(piece, plaintext, size, pair.server.output), Status::ok);
    received.append(as_text({plaintext.data(), size}));
  }
  EXPECT_EQ(received == text, true);
}

TEST_P(EveryVersion, CloseNotifyIsSeenAsClosedBehindTheData) {
  Pair pair{credentials_, GetParam()};
  pair.run();
  ASSERT_EQ(pair.client.engine->encrypt(as_bytes("last"), pair.client.output), Status::ok);
  pair.client.engine->shut_down(pair.client.output);
  Pair::deliver(pair.client, pair.server);
  EXPECT_EQ(pair.server.received, "last");
  EXPECT_EQ(pair.server.status, Status::closed);
  EXPECT_EQ(pair.server.engine->error(), "");
  pair.server.give(as_bytes("ignored"));
  EXPECT_EQ(pair.server.status, Status::closed);
}

TEST_P(EveryVersion, AfterThePeersCloseNotifyOursStillGoesOut) {
  Pair pair{credentials_, GetParam()};
  pair.run();
  pair.client.engine->shut_down(pair.client.output);
  pair.run();
  pair.server.engine->shut_down(pair.server.output);
  EXPECT_FALSE(pair.server.output.bytes.empty());
  pair.run();
  EXPECT_EQ(pair.client.status, Status::closed);
}

// A TCP connection cut by an attacker ends without close_notify: the status must never say `closed` then, and the text
// before the cut must be the true beginning.
TEST_P(EveryVersion, ATruncationIsNeverSeenAsClosed) {
  const Context client_context = *Context::client(client());
  const Context server_context = *Context::server(credentials_.server());
  const std::string text = "first record";
  std::size_t total = 1;
  for (std::size_t cut = 0; cut < total; ++cut) {
    Pair pair{client_context, server_context};
    pair.run();
    ASSERT_EQ(pair.client.engine->encrypt(as_bytes(text), pair.client.output), Status::ok);
    const std::size_t record = pair.client.output.bytes.size();
    pair.client.engine->shut_down(pair.client.output);
    const auto bytes = pair.client.take_output();
    total = bytes.size();
    pair.server.give(ByteView{bytes}.first(cut));
    EXPECT_EQ(pair.server.status, Status::ok) << cut;
    EXPECT_EQ(pair.server.received, cut >= record ? text : "") << cut;
  }
  EXPECT_GT(total, text.size() + 20);
}

TEST_P(EveryVersion, ADamagedByteAnywhereFails) {
  const Context client_context = *Context::client(client());
  const Context server_context = *Context::server(credentials_.server());
  std::size_t total = 6;
  for (std::size_t i = 5; i < total; ++i) {  // behind the header, whose damage may look like a longer record
    Pair pair{client_context, server_context};
    pair.run();
    ASSERT_EQ(pair.client.engine->encrypt(as_bytes("text"), pair.client.output), Status::ok);
    auto bytes = pair.client.take_output();
    total = bytes.size();
    bytes[i] ^= 0x20;
    pair.server.give(bytes);
    EXPECT_EQ(pair.server.status, Status::failed);
    EXPECT_EQ(pair.server.engine->error(), "a TLS record was damaged or forged on its way");
    EXPECT_EQ(pair.server.received, "");
    EXPECT_EQ(pair.server.engine->encrypt(as_bytes("x"), pair.server.output), Status::failed);
    pair.run();
    EXPECT_EQ(pair.client.status, Status::failed);
    EXPECT_EQ(pair.client.engine->error(), "the peer ended TLS with the alert: bad record mac");
  }
}

TEST_P(EveryVersion, ATruncatedHandshakeWaits) {
  const Context client_context = *Context::client(client());
  const Context server_context = *Context::server(credentials_.server());
  std::size_t total = 1;
  for (std::size_t cut = 0; cut < total; ++cut) {
    Pair pair{client_context, server_context};
    const auto bytes = pair.client.take_output();
    total = bytes.size();
    pair.server.give(ByteView{bytes}.first(cut));
    EXPECT_EQ(pair.server.status, Status::ok) << cut;
    EXPECT_TRUE(pair.server.output.bytes.empty());
    EXPECT_FALSE(pair.server.engine->pending()) << cut;
  }
}

class EngineTest : public testing::Test {
 protected:
  Credentials credentials_;
};

TEST_F(EngineTest, APlainHttpRequestIsNamed) {
  const Context context = *Context::server(credentials_.server());
  for (const char* method : {"GET ", "POST ", "HEAD ", "PUT "}) {
    Side server{Engine::accept(context), {}, {}};
    server.give(as_bytes(std::string{method} + "/ws HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    EXPECT_EQ(server.status, Status::failed);
    EXPECT_EQ(server.engine->error(), "the peer speaks plain HTTP to a TLS port: use https:// or wss://");
  }
}

TEST_F(EngineTest, APlainHttpAnswerIsNamed) {
  Side client{Engine::connect(*Context::client(credentials_.client()), "localhost"), {}, {}};
  client.engine->start(client.output);
  client.give(as_bytes("HTTP/1.1 400 Bad Request\r\n\r\n"));
  EXPECT_EQ(client.status, Status::failed);
  EXPECT_EQ(client.engine->error(), "the peer does not speak TLS: is this a TLS port?");
}

TEST_F(EngineTest, GarbageFailsOrWaitsButNeverMore) {
  const Context context = *Context::server(credentials_.server());
  std::uint32_t random = 1;
  for (int round = 0; round < 500; ++round) {
    std::vector<std::uint8_t> bytes(200);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>((random = random * 1664525 + 1013904223) >> 24);
    if (round % 2 == 0) bytes[0] = 22;                             // a handshake record
    if (round % 4 == 0) bytes[1] = 3, bytes[2] = 1, bytes[3] = 0;  // with a likely length
    Side server{Engine::accept(context), {}, {}};
    server.give(bytes);
    EXPECT_NE(server.status, Status::closed);
    EXPECT_FALSE(server.engine->handshake_done());
    EXPECT_EQ(server.received, "");
    EXPECT_EQ(server.engine->error().empty(), server.status == Status::ok);
  }
}

TEST_F(EngineTest, AnOversizeRecordFails) {
  Pair pair{credentials_};
  pair.run();
  const std::vector<std::uint8_t> header{23, 3, 3, 0xFF, 0xFF, 0};
  pair.server.give(header);
  EXPECT_EQ(pair.server.status, Status::failed);
}

TEST_F(EngineTest, FailedStaysFailed) {
  Side server{Engine::accept(*Context::server(credentials_.server())), {}, {}};
  server.give(as_bytes("garbage garbage garbage"));
  ASSERT_EQ(server.status, Status::failed);
  const std::string error = server.engine->error();
  server.take_output();
  server.give(as_bytes("more"));
  EXPECT_EQ(server.status, Status::failed);
  EXPECT_EQ(server.engine->error(), error);
  server.engine->shut_down(server.output);
  EXPECT_TRUE(server.output.bytes.empty());
}

TEST_F(EngineTest, OneFailureDoesNotReachAnotherEngine) {
  const Context context = *Context::server(credentials_.server());
  Pair good{*Context::client(credentials_.client()), context};
  Side bad{Engine::accept(context), {}, {}};
  bad.give(as_bytes("garbage garbage garbage"));
  good.run();
  bad.give(as_bytes("more garbage"));
  good.expect_works();
}

TEST_F(EngineTest, ContextMayGoBeforeTheEngine) {
  auto client_context = std::make_unique<Context>(*Context::client(credentials_.client()));
  auto server_context = std::make_unique<Context>(*Context::server(credentials_.server()));
  Pair pair{*client_context, *server_context};
  client_context.reset();
  server_context.reset();
  pair.run();
  pair.expect_works();
  EXPECT_EQ(pair.server.engine->alpn(), "http/1.1");
}

TEST_F(EngineTest, AReloadedContextServesNewEnginesAndOldOnesGoOn) {
  const Credentials other;
  Context context = *Context::server(credentials_.server());
  Pair old_pair{*Context::client(credentials_.client()), context};
  old_pair.run();
  context = *Context::server(other.server());
  Pair new_pair{*Context::client(other.client()), context};
  new_pair.run();
  new_pair.expect_works();
  old_pair.expect_works();
}

TEST_F(EngineTest, ShutDownBeforeTheHandshakeSaysNothing) {
  Side server{Engine::accept(*Context::server(credentials_.server())), {}, {}};
  server.engine->shut_down(server.output);
  EXPECT_TRUE(server.output.bytes.empty());
}

}  // namespace
}  // namespace plait::tls
