// Client: sessions to servers over any wire, on one loop of its own.
#pragma once

#include <plait/export.hpp>
#include <plait/limits.hpp>
#include <plait/result.hpp>
#include <plait/session.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace plait {

using CertificateHash = std::array<std::uint8_t, 32>;

struct ClientOptions {
  Limits limits;
  /// Adaptive busy-poll, see net::LoopOptions; at most 50 µs. Zero: off.
  Duration busy_poll{0};
};

struct ConnectOptions {
  /// Subprotocols to offer, in order of preference.
  std::vector<std::string> subprotocols;
  /// Further header fields of the opening handshake ("Authorization", "Cookie", "Origin"). The wires without HTTP carry
  /// of these only the token of "Authorization: Bearer".
  std::vector<std::pair<std::string, std::string>> headers;
  /// Offer permessage-deflate.
  bool deflate = false;
  /// Verify the server's certificate and name. Turn off for development certificates only.
  bool verify_certificate = true;
  /// PEM file with the authorities to trust; empty: the system's. Read once by each Client.
  std::string certificate_authority_file;
  /// https: and quic: only: instead of all other verification, the server's certificate must be one of these, as with
  /// browsers' serverCertificateHashes: SHA-256 of its DER encoding, ECDSA P-256, valid now and for at most 14 days.
  std::vector<CertificateHash> certificate_hashes;
  /// https: only: let this session share a QUIC connection to the same server with others that say so, and have the
  /// same choice of certificates, as far as the server allows (browsers call it allowPooling). It spares the handshake,
  /// 1 to 2 round trips; but what is lost or slow for one session holds up the others, and they end together when the
  /// connection does, so it has to be asked for. A connection ends with its last session.
  bool reuse_connection = false;
  /// From the call to on_open.
  Duration timeout = std::chrono::seconds{10};
};

/// Sessions on one loop, which run() drives on the calling thread. All functions but post() and stop() are for that
/// thread (before run(), or from a handler).
class PLAIT_API Client {
 public:
  explicit Client(ClientOptions options = {});
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Starts connecting to a ws: wss: tcp: tls: https: (WebTransport) or quic: URL, or unix:/name.sock (as ws:;
  /// unix:/name.sock:/path for another path than "/"). Errors: a URL that cannot be used. What fails later is told to
  /// handler->on_close (code 1006, the reason says what), without on_open.
  Result<SessionId, Error> connect(std::string_view url, std::unique_ptr<SessionHandler> handler,
                                   const ConnectOptions& options = {});

  /// Turns the loop until stop(), or until no session is left.
  void run();
  /// One turn that waits at most `wait_max`.
  void run_once(Duration wait_max);
  /// Whether no session is left, nor a QUIC connection that still says goodbye: nothing is lost when turning ends now.
  [[nodiscard]] bool is_idle() const;
  /// From any thread.
  void stop();
  /// Runs `task` with the session on the loop; does nothing when it is gone. From any thread.
  void post(SessionId id, std::function<void(Session&)> task);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// One session for scripts: each call turns a loop of its own until it is done or `timeout` has passed.
class PLAIT_API BlockingClient {
 public:
  struct Received {
    MessageKind kind = MessageKind::text;
    Bytes data;
  };

  /// Connects; errors say what failed (resolve, connect, TLS, handshake status).
  static Result<BlockingClient, Error> connect(std::string_view url, const ConnectOptions& options = {});
  BlockingClient(BlockingClient&&) noexcept;
  BlockingClient& operator=(BlockingClient&&) noexcept;
  ~BlockingClient();

  /// Returns when the message is in the kernel, or the error.
  Result<void, Error> send(const Message& message, Duration timeout = std::chrono::seconds{10});
  /// The next message; nullopt when `timeout` passed; an error when the session has ended.
  Result<std::optional<Received>, Error> receive(Duration timeout = std::chrono::seconds{10});
  /// Closing handshake; what the peer answered.
  CloseInfo close(std::uint16_t code = close_code::kNormal, std::string_view reason = {},
                  Duration timeout = std::chrono::seconds{5});

 private:
  class Impl;
  explicit BlockingClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace plait
