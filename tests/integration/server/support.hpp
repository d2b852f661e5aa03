// What the server's tests share: a server on a thread of its own, a client that is nothing but a socket, and frames.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <plait/client.hpp>
#include <plait/log.hpp>
#include <plait/server.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "support/folder.hpp"

namespace plait::test {

using namespace std::chrono_literals;

/// Sends every message back, with what the session's limits make of it.
class Echo : public SessionHandler {
 public:
  void on_message(Session& session, const Message& message) override { session.send(message); }
};

/// A handler made of functions; those that are not set do nothing.
struct Calls {
  bool streams = false;  ///< wants_streams
  std::function<void(OpeningRequest&)> on_request{};
  std::function<void(Session&)> on_open{};
  std::function<void(Session&, const Message&)> on_message{};
  std::function<void(Session&, const Message&, bool)> on_part{};  ///< set: wants_parts
  std::function<std::unique_ptr<StreamHandler>(Session&, Stream&)> on_stream{};
  std::function<void(Session&, StreamDirection)> on_streams_available{};
  std::function<void(Session&, ByteView)> on_datagram{};
  std::function<void(Session&, DatagramId, DatagramFate)> on_datagram_fate{};
  std::function<void(Session&)> on_writable{};
  std::function<void(Session&)> on_draining{};
  std::function<void(Session&, const CloseInfo&)> on_close{};
};

class Called final : public SessionHandler {
 public:
  explicit Called(Calls calls) : calls_(std::move(calls)) {}
  void on_request(OpeningRequest& request) override {
    calls_.on_request ? calls_.on_request(request) : request.accept();
  }
  void on_open(Session& session) override {
    if (calls_.on_open) calls_.on_open(session);
  }
  void on_message(Session& session, const Message& message) override {
    if (calls_.on_message) calls_.on_message(session, message);
  }
  [[nodiscard]] bool wants_parts() const override { return calls_.on_part != nullptr; }
  void on_message_part(Session& session, const Message& part, bool last) override {
    calls_.on_part(session, part, last);
  }
  [[nodiscard]] bool wants_streams() const override { return calls_.streams; }
  std::unique_ptr<StreamHandler> on_stream(Session& session, Stream& stream) override {
    return calls_.on_stream ? calls_.on_stream(session, stream) : nullptr;
  }
  void on_streams_available(Session& session, StreamDirection direction) override {
    if (calls_.on_streams_available) calls_.on_streams_available(session, direction);
  }
  void on_datagram(Session& session, ByteView data) override {
    if (calls_.on_datagram) calls_.on_datagram(session, data);
  }
  void on_datagram_fate(Session& session, DatagramId id, DatagramFate fate) override {
    if (calls_.on_datagram_fate) calls_.on_datagram_fate(session, id, fate);
  }
  void on_writable(Session& session) override {
    if (calls_.on_writable) calls_.on_writable(session);
  }
  void on_draining(Session& session) override {
    if (calls_.on_draining) calls_.on_draining(session);
  }
  void on_close(Session& session, const CloseInfo& info) override {
    if (calls_.on_close) calls_.on_close(session, info);
  }

 private:
  Calls calls_;
};

inline HandlerFactory calling(Calls calls) {
  return [calls = std::move(calls)] { return std::make_unique<Called>(calls); };
}

/// Waits until `done()`; false: it did not come true within 20 s. That is less than the 30 s after which ctest ends a
/// test, and loses what it would have said.
bool wait_until(const std::function<bool()>& done);
/// The same, while the client's loop turns.
bool turn_until(Client& client, const std::function<bool()>& done);

/// For a limit of the product that must pass in one phase of a connection, on a machine that may stand still in those
/// before it: calls `attempt` with 250 ms, and, as long as what it tells does not contain `wanted`, with twice the
/// limit, up to 4 s. What it told last.
std::string told_at_a_limit(std::string_view wanted, const std::function<std::string(Duration limit)>& attempt);

/// A value that one thread sets and another waits for.
template <class T>
class Box {
 public:
  void set(T value) {
    const std::lock_guard lock{mutex_};
    value_ = std::move(value);
  }
  [[nodiscard]] std::optional<T> get() const {
    const std::lock_guard lock{mutex_};
    return value_;
  }
  /// The value once it is there; a default one (and a failed test) if it does not come.
  T wait() const {
    EXPECT_TRUE(wait_until([&] { return get().has_value(); })) << "nothing came";
    return get().value_or(T{});
  }

 private:
  mutable std::mutex mutex_;
  std::optional<T> value_;
};

/// Writes a new self-signed certificate for localhost and its key, as made at `now`; its files' names.
TlsFiles write_certificate(const Folder& folder,
                           std::chrono::system_clock::time_point now = std::chrono::system_clock::now());

/// Keeps the log's lines from standard error while it lives.
class QuietLog {
 public:
  QuietLog();
  QuietLog(const QuietLog&) = delete;
  QuietLog& operator=(const QuietLog&) = delete;
  ~QuietLog();
  [[nodiscard]] std::string text() const;

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

/// A server with one loop that runs on a thread of its own until stopped or destroyed.
class TestServer {
 public:
  explicit TestServer(ServerOptions options = {});
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;
  ~TestServer();

  /// Listens on a free port of 127.0.0.1; the URL really bound.
  std::string listen(const std::string& scheme = "ws", HandlerFactory factory = handler<Echo>(),
                     const std::string& path = "/");
  void start();
  /// Waits until run() has returned; false as of wait_until().
  bool join();

  [[nodiscard]] Server& server() { return server_; }
  Server* operator->() { return &server_; }
  [[nodiscard]] bool running() const { return !finished_; }

 private:
  QuietLog log_;
  Server server_;
  std::thread thread_;
  std::atomic<bool> finished_{true};
};

/// The port of a URL that has one.
std::uint16_t port_of(std::string_view url);

/// Which descriptor of this process is a socket whose own port (::getsockname) or peer's (::getpeername) is this one,
/// by IPv4; -1: none.
int find_socket(int (*name_of)(int, sockaddr*, socklen_t*), std::uint16_t port);

/// A port that is taken while this lives, so that nobody listens there, and to connect is refused.
class DeafPort {
 public:
  explicit DeafPort(const std::string& host = "127.0.0.1");
  DeafPort(const DeafPort&) = delete;
  DeafPort& operator=(const DeafPort&) = delete;
  ~DeafPort();
  [[nodiscard]] std::uint16_t number() const { return number_; }

 private:
  int fd_;
  std::uint16_t number_ = 0;
};

/// What tests of bare WebSocket stand on: a server, for a client that is nothing but a socket.
class PlainServer {
 protected:
  void start(ServerOptions options = {}, HandlerFactory factory = handler<Echo>()) {
    server_ = std::make_unique<TestServer>(std::move(options));
    port_ = port_of(server_->listen("ws", std::move(factory)));
    server_->start();
  }

  std::unique_ptr<TestServer> server_;
  std::uint16_t port_ = 0;
};

/// What tests of encrypted wires stand on: a server with a certificate, for a client that knows it.
class SecureServer {
 protected:
  void make(ServerOptions options = {}) {
    options.tls = write_certificate(folder_);
    server_ = std::make_unique<TestServer>(std::move(options));
  }
  [[nodiscard]] ConnectOptions trusting() const {
    ConnectOptions options;
    options.certificate_authority_file = folder_.file("certificate.pem");
    return options;
  }

  Folder folder_;
  std::unique_ptr<TestServer> server_;
};

/// A TCP socket and nothing else. Every read gives up after twenty seconds, and the test fails.
class RawClient {
 public:
  /// `receive_buffer_bytes` > 0: a small window, so that the peer soon meets a full one.
  explicit RawClient(std::uint16_t port, int receive_buffer_bytes = 0);
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  ~RawClient();

  void send(std::string_view bytes);
  /// In writes of one byte, each a segment of its own.
  void send_bytewise(std::string_view bytes);
  /// As much as is there at once; empty: the peer's FIN (or reset).
  std::string read_some();
  std::string read_exactly(std::size_t count);
  /// Up to and with `end`; what came behind it is kept for the next read.
  std::string read_to(std::string_view end);
  std::string read_all();
  /// Nothing is to be read now.
  [[nodiscard]] bool is_silent() const;
  void shutdown_write();
  /// Makes close() send a reset.
  void reset();

  /// The opening handshake; the response's head.
  std::string upgrade(const std::string& fields = {}, const std::string& path = "/");

  struct Frame {
    int opcode = -1;  ///< -1: the connection ended instead
    bool fin = true;
    bool rsv1 = false;
    std::string payload{};
    [[nodiscard]] int close_code() const;
    [[nodiscard]] std::string close_reason() const { return payload.size() < 2 ? "" : payload.substr(2); }
  };
  Frame read_frame();

 private:
  bool fill();

  int fd_ = -1;
  std::string kept_;
};

/// A client's frame.
struct FrameOptions {
  bool fin = true;
  int reserved = 0;  ///< RSV1 is 4, RSV2 2, RSV3 1
  bool masked = true;
};
std::string frame(int opcode, std::string_view payload, const FrameOptions& options = {});
inline std::string text_frame(std::string_view payload) { return frame(1, payload); }
std::string close_frame(int code, std::string_view reason = {});

/// The opening handshake's request.
std::string upgrade_request(const std::string& fields = {}, const std::string& path = "/");

/// `size` bytes of text that differ from place to place.
std::string pattern(std::size_t size);

}  // namespace plait::test
