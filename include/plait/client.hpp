// Client: sessions to servers over any wire, on one loop of its own; with ReconnectingSession, ones that come back.
#pragma once

#include <plait/config.hpp>
#include <plait/limits.hpp>
#include <plait/result.hpp>
#include <plait/session.hpp>

#include <array>
#include <chrono>
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
  /// As ServerOptions::busy_poll: adaptive, costs up to a CPU while traffic flows; more than 50 µs counts as 50. Zero:
  /// off.
  Duration busy_poll{0};
};

struct ConnectOptions {
  /// Subprotocols to offer, in order of preference: names as HTTP has them (tokens, RFC 9110 §5.6.2), each once.
  std::vector<std::string> subprotocols;
  /// Further header fields of the opening handshake ("Authorization", "Cookie", "Origin"), but none of those that it
  /// writes itself, such as "Host" and all "Sec-WebSocket-…". The wires without HTTP carry of these only the token of
  /// "Authorization: Bearer".
  std::vector<std::pair<std::string, std::string>> headers;
  /// Offer permessage-deflate.
  bool deflate = false;
  /// Verify the server's certificate and name. Turn off for development certificates only.
  bool verify_certificate = true;
  /// PEM file with the authorities to trust; empty: the system's. Read once by each Client.
  std::string certificate_authority_file;
  /// Certificate (PEM chain, leaf first) and key to show to a tls:, wss:, https: or quic: server that asks for one.
  /// Read once by each Client.
  std::string certificate_file;
  std::string private_key_file;
  /// https: and quic: only: instead of all other verification, the server's certificate must be one of these, as with
  /// browsers' serverCertificateHashes: SHA-256 of its DER encoding, ECDSA P-256, valid now and for at most 14 days.
  std::vector<CertificateHash> certificate_hashes;
  /// https: and quic: only: use a session ticket that the server gave to an earlier session of this Client with the
  /// same three choices above: it saves both sides the certificates. Each is used once. Turn off to be no known client.
  bool resume = true;
  /// https: only: let this session share a QUIC connection to the same server with others that say so, and have the
  /// same choice of certificates, as far as the server allows (browsers call it allowPooling). It spares the handshake,
  /// 1 to 2 round trips; but what is lost or slow for one session holds up the others, and they end together when the
  /// connection does, so it has to be asked for. A connection ends with its last session. Of the other wires each
  /// session has a connection of its own, quic: among them; there this does nothing.
  bool reuse_connection = false;
  /// From the call to on_open, over all addresses of the server; above a year as a year. However long that is, an
  /// address that does not answer is given up after 30 s over QUIC, over TCP when the system does (Linux: two minutes).
  Duration timeout = std::chrono::seconds{10};
};

/// What a server answered to Client::get().
struct Response {
  int status = 0;
  /// Names in lower case, in the order of the response.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

/// Takes a response in parts. Destroyed after on_end. An exception out of a function is logged and ends the request;
/// on_end follows with an error.
class PLAIT_API ResponseHandler {
 public:
  virtual ~ResponseHandler() = default;
  /// Status and header fields; the body is empty yet.
  virtual void on_head(const Response&) {}
  /// The next bytes of the body. False ends the request; on_end follows with an error.
  virtual bool on_body(ByteView) { return true; }
  /// The last call: the response was whole, or why it was not.
  virtual void on_end(const Result<void, Error>&) {}
};

/// Sessions on one loop, which run() drives on the calling thread. All functions but post(), stop() and executor() are
/// for that thread (before run(), or from a handler).
class PLAIT_API Client {
 public:
  /// Where no file descriptor is left for the loop, connect() and get() try again, and else say so.
  explicit Client(ClientOptions options = {});
  /// Ends what is open; on_close and on_end follow before it returns. Not from inside a handler's functions.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Starts connecting to a ws: wss: tcp: tls: https: (WebTransport) or quic: URL, or unix:/name.sock (as ws:;
  /// unix:/name.sock:/path for another path than "/"). Errors: a URL, a subprotocol, a header field or a certificate's
  /// file that cannot be used, no file descriptor, a handler that is null or throws when it is asked what it wants. All
  /// else that fails is told to handler->on_close (code 1006, the reason says what), without on_open and not inside
  /// this call.
  Result<SessionId, Error> connect(std::string_view url, std::unique_ptr<SessionHandler> handler,
                                   const ConnectOptions& options = {});

  /// Asks for an https: URL over HTTP/3. Of the options, the headers, the choice of certificates and the timeout count:
  /// from the call to the response, and then from each part of it to the next. Requests to one server share a
  /// connection, also with the sessions that share theirs. Redirects are answers like others. Errors: a URL, a header
  /// field or a certificate's file that cannot be used, a handler that is null, no file descriptor.
  Result<void, Error> get(std::string_view url, std::unique_ptr<ResponseHandler> handler,
                          const ConnectOptions& options = {});
  /// The same; `done` is called once, on the loop, with the whole response or why there is none: not resolved, not
  /// reached, not verified, ended early, or a body above Limits::message_bytes_max.
  Result<void, Error> get(std::string_view url, std::function<void(const Result<Response, Error>&)> done,
                          const ConnectOptions& options = {});

  /// Turns the loop until stop(), or until it is_idle().
  void run();
  /// One turn that waits at most `wait_max`.
  void run_once(Duration wait_max);
  /// Whether none of these is left: a session, one that is being opened, a ReconnectingSession that has not been given
  /// up, a request, a QUIC connection that still says goodbye. Nothing is lost when turning ends now.
  [[nodiscard]] bool is_idle() const;
  /// The loop (plait/executor.hpp), which lasts as long as the client: executor().post() runs a task on it without a
  /// session, from any thread, and a Timer its function. Neither keeps run() going. From any thread.
  [[nodiscard]] Executor& executor();
  /// Makes run() return; if it does not run, or has just ended by itself, the next run() returns at once. From any
  /// thread.
  void stop();
  /// Runs `task` with the session on the loop; does nothing when it is gone. What it throws is logged, and closes the
  /// session with 1011. From any thread.
  void post(SessionId id, std::function<void(Session&)> task);

 private:
  friend struct ClientAccess;
  class Impl;
  explicit Client(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// How long to wait before which attempt.
struct ReconnectPolicy {
  /// Attempts in a row that may fail, the first one included; then it is given up. 0: never. It is given up at once
  /// when the server refuses with a status that will not be another one by itself: any but 408, 429 and 500 or more.
  std::uint32_t attempts_max = 10;
  /// Before the second attempt, and before the first one after a lost session.
  Duration delay = std::chrono::seconds{1};
  /// Each further delay is so many times the one before; at least 1.
  double factor = 2;
  Duration delay_max = std::chrono::seconds{30};
  /// The part of each delay that chance may take off, 0 to 1, so that many clients do not come back at the same moment.
  double jitter = 0.5;
};

enum class LinkState : std::uint8_t {
  established,  ///< a session is open; its on_open has been called
  lost,         ///< it has ended; the next attempt follows
  failed,       ///< given up; nothing follows
};

/// One handler for a row of sessions to the same URL, on any wire: each has its on_open and its on_close, and the next
/// is connected when one has ended, however it ended. Nothing is sent again: what the old session had not delivered is
/// the handler's to repeat. Where something in the options ends before the row does, such as an access token,
/// on_attempt() renews it. All functions are for the client's thread.
class PLAIT_API ReconnectingSession {
 public:
  /// Why it is so: of `lost` the session's end, of `failed` the last attempt's; empty when established. What it throws
  /// is logged.
  using OnState = std::function<void(LinkState, const CloseInfo&)>;

  /// `client` outlives the object.
  ReconnectingSession(Client& client, std::string url, std::unique_ptr<SessionHandler> handler,
                      ConnectOptions options = {}, const ReconnectPolicy& policy = {}, OnState on_state = {});
  /// Cuts the session; nothing is called any more. Not from inside the handler's functions or OnState.
  ~ReconnectingSession();
  ReconnectingSession(const ReconnectingSession&) = delete;
  ReconnectingSession& operator=(const ReconnectingSession&) = delete;

  /// Adds another way to the same server, in order of preference: "https://…" first, "wss://…" for networks that let no
  /// UDP through. Within an attempt the next URL is tried where one is not reached within ConnectOptions::timeout; a
  /// server that refuses has been reached. The one that worked last comes first the next time. Before start().
  void add_url(std::string url);
  /// `prepare` is called before each connecting, and may change the options, for instance put in a new token; the
  /// changes stay. With it, the first 401 after a session or start() is an attempt that failed like others, since the
  /// token may have expired on the way. What it throws is logged, and fails the connecting. Before start().
  void on_attempt(std::function<void(ConnectOptions&)> prepare);
  /// The first attempt. Errors: as Client::connect(), after which it may be called again; and else a second call, or
  /// one after close().
  Result<void, Error> start();
  /// The session while it is open, else null.
  [[nodiscard]] Session* session() const;
  /// Closes for good: on_close follows if a session is open, and no other comes. (Session::close() ends one session.)
  void close(std::uint32_t code = close_code::kNormal, std::string_view reason = {});

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// One session for scripts: each call turns a loop of its own until it is done or `timeout` has passed, once at least.
/// Between the calls nothing is answered, pings included, and the server gives the session up: Plait's after 45 s, on
/// https: and quic: 30 s. Who waits for anything else calls receive() now and then, with a `timeout` of zero.
class PLAIT_API BlockingClient {
 public:
  struct Received {
    MessageKind kind = MessageKind::text;
    Bytes data;
  };

  /// Connects; errors say what failed (resolve, connect, TLS, handshake status). Their system_errno is ENOTCONN if an
  /// attempt was made, so that another one may succeed, unless there is a status that says otherwise.
  static Result<BlockingClient, Error> connect(std::string_view url, const ConnectOptions& options = {});
  BlockingClient(BlockingClient&&) noexcept;
  BlockingClient& operator=(BlockingClient&&) noexcept;
  ~BlockingClient();

  /// Returns when the message is in the kernel, or the error; when that is that `timeout` passed, the message may still
  /// go out. Where the session was lost or ended with 1001, 1012 or 1013, system_errno is ENOTCONN: another session may
  /// succeed.
  Result<void, Error> send(const Message& message, Duration timeout = std::chrono::seconds{10});
  /// The next message; nullopt when `timeout` passed; an error, as send()'s, when the session has ended.
  Result<std::optional<Received>, Error> receive(Duration timeout = std::chrono::seconds{10});
  /// Closing handshake; what the peer answered.
  CloseInfo close(std::uint32_t code = close_code::kNormal, std::string_view reason = {},
                  Duration timeout = std::chrono::seconds{5});

 private:
  class Impl;
  explicit BlockingClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace plait
