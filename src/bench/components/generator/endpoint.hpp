// Endpoint: one client connection of the generator, from connect() to the end of its opening handshake and beyond.
#pragma once

#include "bench/components/generator/socket_io.hpp"
#include "bench/url.hpp"

#include <plait/bytes.hpp>

#include <openssl/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace plait::bench {

struct SslContextDeleter {
  void operator()(SSL_CTX* context) const;
};
struct SslDeleter {
  void operator()(SSL* ssl) const;
};
using SslContext = std::unique_ptr<SSL_CTX, SslContextDeleter>;

/// A TLS 1.2/1.3 client that accepts any certificate: the servers under test use development certificates.
[[nodiscard]] SslContext make_client_context();

/// What a connection says first where the opening handshake is not WebSocket's: the request, and the bytes that the
/// answer ends with. Empty: nothing.
struct Hello {
  std::string request;
  std::string answer_end;
};

/// What the endpoints of one run share; must outlive them.
struct EndpointOptions {
  Url url;
  SSL_CTX* tls = nullptr;  ///< required for tls: and wss:
  bool deflate = false;    ///< offer permessage-deflate without context takeover
  Hello hello{};           ///< for a broker
};

class Endpoint {
 public:
  enum class Phase : std::uint8_t { closed, connecting, securing, upgrading, hello, greeting, open, failed };

  Endpoint() = default;
  Endpoint(Endpoint&& other) noexcept;
  Endpoint& operator=(Endpoint&& other) noexcept;
  ~Endpoint() { reset(); }

  /// Starts connecting; false (and failed, with failure() saying why) when the system refuses at once.
  bool start(const EndpointOptions& options);
  /// Goes on as far as the socket allows. Call at start and on every event until open or failed.
  Phase advance(const EndpointOptions& options);

  /// Bytes moved, 0 when the socket would block. A broken or ended connection turns to failed and gives 0.
  std::size_t read(MutableByteView into);
  std::size_t write(ByteView data);
  /// Ends the connection with RST, so that a run of thousands leaves no TIME_WAIT behind.
  void reset();

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] Phase phase() const { return phase_; }
  [[nodiscard]] const std::string& failure() const { return failure_; }
  /// Bytes of the first messages that arrived together with the opening handshake.
  [[nodiscard]] std::string take_early_bytes();

 private:
  bool connected();
  bool secure(const EndpointOptions& options);
  [[nodiscard]] static Phase first_phase(const EndpointOptions& options);
  bool upgrade(const EndpointOptions& options);
  bool say_hello(const Hello& hello);
  bool greet();
  bool send_request(std::string_view request);
  std::size_t receive_until(std::string_view mark);
  bool fail(std::string why);

  std::unique_ptr<SSL, SslDeleter> ssl_;
  std::unique_ptr<SocketIoGreeting> greeting_;  // only with Socket.IO
  std::string head_;                            // the answer to the request while it arrives, then what followed it
  std::string failure_;
  int fd_ = -1;
  Phase phase_ = Phase::closed;
  bool request_sent_ = false;
};

/// The opening handshake's request for this URL (RFC 6455 §4.1), with a fixed key: no cache stands in between.
[[nodiscard]] std::string make_upgrade_request(const Url& url, bool deflate);
/// True when `head` (up to and with the empty line) accepts that request: 101, the accept value of the fixed key, and
/// permessage-deflate if and only if it was offered.
[[nodiscard]] bool accepts_upgrade(std::string_view head, bool deflate);

}  // namespace plait::bench
