// A client's and a server's engine back to back, and certificates for them.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "core/byte_sink.hpp"
#include "crypto/certificate.hpp"
#include "support/folder.hpp"
#include "tls/context.hpp"
#include "tls/engine.hpp"

namespace plait::tls {

/// A certificate and its key in files that live as long as this.
class Credentials {
 public:
  explicit Credentials(const crypto::CertificateOptions& options = {},
                       crypto::WallTime now = std::chrono::system_clock::now()) {
    const auto pem = crypto::make_certificate(options, now);
    std::ofstream{certificate()} << pem->certificate;
    std::ofstream{key()} << pem->private_key;
  }

  [[nodiscard]] std::string certificate() const { return folder_.file("certificate.pem"); }
  [[nodiscard]] std::string key() const { return folder_.file("key.pem"); }
  [[nodiscard]] std::string file(const std::string& name) const { return folder_.file(name); }
  [[nodiscard]] ServerConfig server() const { return {certificate(), key(), {"http/1.1"}}; }
  [[nodiscard]] ClientConfig client(Version version_max = Version::tls_1_3) const {
    return {true, certificate(), {"http/1.1"}, version_max};
  }

 private:
  test::Folder folder_;
};

inline std::string name_of(const testing::TestParamInfo<Version>& version) {
  return version.param == Version::tls_1_2 ? "Tls12" : "Tls13";
}

/// One engine, what it has received and what it wants to send.
struct Side {
  std::unique_ptr<Engine> engine;
  core::VectorSink output;
  std::string received;
  Status status = Status::ok;
  std::size_t plaintext_bytes = std::size_t{64} << 10;  // of the buffer that decrypt() fills

  void give(ByteView ciphertext) {
    std::vector<std::uint8_t> plaintext(plaintext_bytes);
    do {
      std::size_t size = 0;
      status = engine->decrypt(ciphertext, plaintext, size, output);
      EXPECT_TRUE(ciphertext.empty());
      received.append(as_text({plaintext.data(), size}));
    } while (status == Status::ok && engine->pending());
  }
  std::vector<std::uint8_t> take_output() {
    std::vector<std::uint8_t> bytes = std::move(output.bytes);
    output = {};
    return bytes;
  }
};

struct Pair {
  Side client;
  Side server;

  Pair(const Context& client_context, const Context& server_context, const std::string& host = "localhost") {
    client.engine = Engine::connect(client_context, host);
    server.engine = Engine::accept(server_context);
    client.status = client.engine->start(client.output);
  }
  explicit Pair(const Credentials& credentials, Version version_max = Version::tls_1_3)
      : Pair(*Context::client(credentials.client(version_max)), *Context::server(credentials.server())) {}

  /// Delivers what both have to say until neither says more, in pieces of at most `piece` bytes.
  void run(std::size_t piece = SIZE_MAX) {
    while (!client.output.bytes.empty() || !server.output.bytes.empty()) {
      deliver(client, server, piece);
      deliver(server, client, piece);
    }
  }

  static void deliver(Side& from, Side& to, std::size_t piece = SIZE_MAX) {
    const auto bytes = from.take_output();
    ByteView rest{bytes};
    while (!rest.empty()) {
      const ByteView next = rest.first(std::min(piece, rest.size()));
      to.give(next);
      rest = rest.subspan(next.size());
    }
  }

  [[nodiscard]] bool ready() const { return client.engine->handshake_done() && server.engine->handshake_done(); }

  /// That text gets through both ways.
  void expect_works() {
    ASSERT_TRUE(ready()) << client.engine->error() << "; " << server.engine->error();
    EXPECT_EQ(client.engine->encrypt(as_bytes("to the server"), client.output), Status::ok);
    EXPECT_EQ(server.engine->encrypt(as_bytes("to the client"), server.output), Status::ok);
    run();
    EXPECT_EQ(server.received, "to the server");
    EXPECT_EQ(client.received, "to the client");
  }
};

}  // namespace plait::tls
