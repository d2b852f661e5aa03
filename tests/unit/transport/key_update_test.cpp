// A TLS 1.3 server that asks for new keys again and again and reads none of the answers (RFC 8446 §4.6.3), or sends
// what is no TLS.
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <array>

#include "crypto/openssl.hpp"
#include "unit/tls/pair.hpp"
#include "unit/transport/connected_loop.hpp"

namespace plait::transport {
namespace {

constexpr std::size_t kBacklogBytesMax = std::size_t{1} << 20;
constexpr int kUpdatesMax = 200'000;

class Idle final : public Protocol {
 public:
  explicit Idle(std::size_t& received_bytes) : received_bytes_(received_bytes) {}
  void handle_bytes(MutableByteView& input) override {
    received_bytes_ += input.size();
    input = {};
  }
  void handle_deadline(core::TimePoint) override {}
  void handle_drain() override {}
  void handle_closed(const Disconnect&) override {}

 private:
  std::size_t& received_bytes_;
};

/// Bare OpenSSL at the other end of a client's connection.
class TransportKeyUpdate : public testing::Test, protected ConnectedLoop {
 protected:
  explicit TransportKeyUpdate(const net::LoopOptions& options = {}) : ConnectedLoop({}, options) {
    SSL_CTX_use_certificate_chain_file(server_context_.get(), credentials_.certificate().c_str());
    SSL_CTX_use_PrivateKey_file(server_context_.get(), credentials_.key().c_str(), SSL_FILETYPE_PEM);
    server_.reset(SSL_new(server_context_.get()));
    SSL_set_bio(server_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_accept_state(server_.get());
    connection_ =
        connect(std::make_unique<Idle>(received_bytes_), true, tls::Engine::connect(client_context_, "localhost"));
  }
  ~TransportKeyUpdate() override { end_connections(); }

  /// How many bytes were there.
  std::size_t read() {
    std::array<std::uint8_t, 20'000> bytes{};
    std::size_t size = 0;
    for (auto result = peer_.read(MutableByteView{bytes}); result.status == net::IoStatus::ok;
         result = peer_.read(MutableByteView{bytes})) {
      BIO_write(SSL_get_rbio(server_.get()), bytes.data(), static_cast<int>(result.bytes));
      size += result.bytes;
    }
    return size;
  }
  void write() {
    std::array<std::uint8_t, 20'000> bytes{};
    for (int count = 0; (count = BIO_read(SSL_get_wbio(server_.get()), bytes.data(), bytes.size())) > 0;) {
      (void)peer_.write(ByteView{bytes}.first(static_cast<std::size_t>(count)));
    }
  }
  void handshake() {
    for (int i = 0; i < 10 && SSL_is_init_finished(server_.get()) == 0; ++i) {
      loop_->run_once({});
      read();
      SSL_do_handshake(server_.get());
      write();
    }
    loop_->run_once({});
    ASSERT_EQ(SSL_is_init_finished(server_.get()), 1);
  }
  void ask_for_new_keys() {
    SSL_key_update(server_.get(), SSL_KEY_UPDATE_REQUESTED);
    SSL_do_handshake(server_.get());
    write();
    loop_->run_once({});
  }
  [[nodiscard]] bool is_alive() const { return context_.entries.size() == 1; }

  const tls::Credentials credentials_;
  crypto::Owned<SSL_CTX, SSL_CTX_free> server_context_{SSL_CTX_new(TLS_server_method())};
  crypto::Owned<SSL, SSL_free> server_;
  const tls::Context client_context_ = *tls::Context::client(credentials_.client());
  TcpConnection* connection_ = nullptr;
  std::size_t received_bytes_ = 0;
};

TEST_F(TransportKeyUpdate, AFloodWhoseAnswersNobodyReadsIsCut) {
  handshake();
  for (int i = 0; i < kUpdatesMax && is_alive(); ++i) {
    ask_for_new_keys();
    ASSERT_LE(is_alive() ? connection_->backlog_bytes() : 0, kBacklogBytesMax) << i;
  }
  EXPECT_FALSE(is_alive());
}

TEST_F(TransportKeyUpdate, ManyWhoseAnswersAreReadAreAnswered) {
  constexpr int kUpdates = 10'000;
  handshake();
  int answers = 0;
  for (int i = 0; i < kUpdates; ++i) {
    ask_for_new_keys();
    answers += read() > 0 ? 1 : 0;
  }
  EXPECT_TRUE(is_alive());
  EXPECT_GE(answers, kUpdates - 1) << "an answer leaves when the next record comes";
}

TEST_F(TransportKeyUpdate, WhatCannotBeEncryptedReachesNoOtherConnection) {
  handshake();
  connection_->output().append(as_bytes("secret"));
  connection_->write_soon();
  const std::array<std::uint8_t, 100> garbage = [] {
    std::array<std::uint8_t, 100> bytes{};
    bytes.fill(0xff);
    return bytes;
  }();
  ASSERT_EQ(peer_.write(ByteView{garbage}).bytes, garbage.size());
  loop_->run_once({});
  EXPECT_FALSE(is_alive());
  const auto first = context_.queues.take();
  const auto second = context_.queues.take();
  EXPECT_TRUE(first->empty());
  EXPECT_TRUE(second->empty());
}

class TransportUnreadCiphertext : public TransportKeyUpdate {
 protected:
  TransportUnreadCiphertext() : TransportKeyUpdate({.receive_buffer_bytes = 1024}) {}
};

TEST_F(TransportUnreadCiphertext, IsReadWhenTheBufferWasFilled) {
  handshake();
  const std::array<std::uint8_t, 10'000> message{};
  ASSERT_EQ(SSL_write(server_.get(), message.data(), message.size()), message.size());
  write();
  for (int i = 0; i < 20; ++i) loop_->run_once({});
  EXPECT_EQ(received_bytes_, message.size());
}

}  // namespace
}  // namespace plait::transport
