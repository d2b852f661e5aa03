// Server: listeners for every wire, several loops, one handler per session.
#pragma once

#include <plait/bytes.hpp>
#include <plait/config.hpp>
#include <plait/limits.hpp>
#include <plait/result.hpp>
#include <plait/session.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace plait {

class Executor;
class Hub;
class Middleware;

/// Certificate and key for tls:, wss:, https: and quic: listeners, PEM files. Re-read when they change and on
/// Server::reload().
struct TlsFiles {
  std::string certificate_file;  ///< chain, leaf first
  std::string private_key_file;
};

/// Whether clients of tls:, wss:, https: and quic: listeners show a certificate.
enum class ClientCertificates : std::uint8_t {
  off,
  optional,  ///< who shows one that is not accepted is refused all the same; see IncomingRequest::certificate()
  required,  ///< who shows none is refused, too
};

struct ServerOptions {
  /// Loops, each with its own thread, listeners and sessions; 0: one per core.
  unsigned threads = 0;
  Limits limits;
  /// Needed by tls:, wss:, https: and quic: unless development_certificate is set.
  TlsFiles tls;
  /// Further certificates: a client that asks for a name (SNI) in the subjectAltName of one of them gets that one, the
  /// first that fits; every other gets the one of `tls`. Re-read with it.
  std::vector<TlsFiles> further_tls;
  /// Makes (once) and uses a self-signed ECDSA P-256 certificate for localhost in the user's state folder. For
  /// development only: no peer can verify it, but by its hash (certificates()). Replaced a day before it expires.
  bool development_certificate = false;
  /// A folder in which each connection of https: and quic: listeners gets a file of qlog, what was in its packets and
  /// what became of them, named after the client's first connection ID: at most 256 files of 8 MiB. For development
  /// only, since it has secrets of the connection and slows it down: such listeners must be on loopback then.
  std::string qlog_folder;
  /// Needs client_authority_file.
  ClientCertificates client_certificates = ClientCertificates::off;
  /// PEM file with the authorities that sign clients' certificates. Re-read with the server's own.
  std::string client_authority_file;
  /// permessage-deflate is accepted from peers that offer it (RFC 7692 §7). Off by default: compressing 1 KiB costs
  /// more than a whole uncompressed echo.
  bool deflate = false;
  /// How long a loop spins after its last event before it waits; more than 50 µs counts as 50, which suits request and
  /// answer. Adaptive: half as long where a spin finds nothing, twice where it finds work. Costs up to a CPU per loop
  /// while traffic flows. Zero: off.
  Duration busy_poll{0};
  /// Origins that browsers may connect from ("https://example.org"); empty: only the server's own. "*" stands for any
  /// text, "?" for one character: "https://*.example.org", and "*" alone for any origin.
  std::vector<std::string> allowed_origins;
  /// SIGTERM and SIGINT drain(), a second one stop(), SIGHUP reload(). With `development_certificate` there are no
  /// files to read, and SIGHUP is a terminal that closed: it does drain(), unless it was ignored before (nohup). The
  /// signals are the server's from its constructor until run() returns, also with an error, or else until its
  /// destructor. One such server at a time; run() of a second one fails. The service manager that NOTIFY_SOCKET names
  /// hears READY=1 once all listeners are open, and STOPPING=1 at the signal.
  bool handle_signals = false;
  /// How long drain() waits for connections to end. Limits::close_timeout cuts each session that does not answer its
  /// close before, if that is shorter.
  Duration drain_timeout = std::chrono::seconds{5};
  /// CPUs to pin the loops to, in turn; empty: not pinned.
  std::vector<int> cpus;
};

/// A request for an endpoint that is not a session, over HTTP/1.1 or HTTP/3. It and its views last until the handler
/// returns.
class PLAIT_API HttpRequest : public IncomingRequest {
 public:
  [[nodiscard]] virtual std::string_view body() const = 0;

  [[nodiscard]] bool opens_session() const final { return false; }
  /// None.
  [[nodiscard]] const std::vector<std::string_view>& subprotocols() const final {
    static const std::vector<std::string_view> none;
    return none;
  }
};

struct HttpResponse {
  int status = 200;  ///< of a final response: 1xx is answered as 500
  std::string content_type = "text/plain; charset=utf-8";
  std::string body{};  ///< not sent with 204, 205 and 304, which have none
  /// Further fields. Content-Type and Date take the place of ours; `Connection: close` ends an HTTP/1.1 connection
  /// after this response.
  std::vector<std::pair<std::string, std::string>> headers{};
  /// If not empty, sent in place of `body`, and never copied but for TLS: for content that many responses have. Call
  /// Bytes::share_between_threads() before the server starts.
  Bytes shared_body{};
};

/// One that this server serves, as a page names it in `new WebTransport(url, {serverCertificateHashes: […]})`.
struct ServerCertificate {
  std::array<std::uint8_t, 32> sha256{};  ///< of its DER encoding
  std::chrono::system_clock::time_point not_after;
};

/// Called on any loop, possibly several at once; one that takes a const HttpRequest& will do. HEAD is answered from
/// GET's response without the body.
using HttpHandler = std::function<HttpResponse(HttpRequest&)>;

/// What all loops have counted since start. Consistent per loop, gathered when asked.
struct ServerStats {
  std::uint64_t connections_accepted = 0;
  std::uint64_t connections_refused = 0;
  std::uint64_t connections_open = 0;
  std::uint64_t sessions_open = 0;
  std::uint64_t messages_received = 0;
  std::uint64_t messages_sent = 0;
  std::uint64_t bytes_received = 0;  ///< payload
  std::uint64_t bytes_sent = 0;      ///< payload
  std::uint64_t http_requests = 0;
  std::uint64_t quic_resumed = 0;       ///< QUIC connections whose handshake went by a session ticket
  std::uint64_t handshakes_failed = 0;  ///< of TLS and QUIC: no certificate, one that is not accepted, no TLS at all
  // Openings of sessions that were refused, by the status of the answer.
  std::uint64_t openings_refused_401 = 0;
  std::uint64_t openings_refused_403 = 0;
  std::uint64_t openings_refused_404 = 0;
  std::uint64_t openings_refused_429 = 0;
  std::uint64_t openings_refused_other = 0;
};

/// Set up with listen() and http(), then run(). Not copyable or movable.
class PLAIT_API Server {
 public:
  explicit Server(ServerOptions options = {});
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Binds `url` at once and serves sessions at its path with handlers from `factory`. Schemes: tcp: tls: (messages
  /// over a byte stream, spec/frames.md), ws: wss: (WebSocket, and HTTP/1.1 on the same port), https: (WebTransport,
  /// and HTTP/3 on the same UDP port), quic: (spec/frames.md with streams and datagrams; may have the UDP port of an
  /// https: listener), and unix:/name.sock or unix:/name.sock:/path (as ws:).
  /// Further paths on the same address: call again. Port 0 picks a free port.
  /// A path is exact, or a pattern of whole segments: {name} stands for one that is not empty, and at the end
  /// {name:*} for the rest (OpeningRequest::parameter); or it ends in "*", which stands for any rest. Exact paths come
  /// first, then patterns with names in the order of their registration, then the longest "*". The query takes no part.
  /// Returns the URL really bound. Errors name the address, certificate, scheme or path, and the fix; a path that
  /// matches the same as one before is an error, and so are an empty factory and a call after run() was called.
  Result<std::string, Error> listen(std::string_view url, HandlerFactory factory);

  /// Answers `path` on every ws:, wss:, https: and unix: listener: "/health", or a pattern as with listen() (there is
  /// one order for both, with listen()'s before). Before run(), which tells of a path that is wrong or taken,
  /// and of a handler that is empty.
  void http(std::string_view path, HttpHandler handler);

  /// Puts `link` behind the chain that every opening and every HTTP request passes before its handler, whatever its
  /// path (plait/middleware.hpp). Before run(), which tells if it is null.
  void use(std::unique_ptr<Middleware> link);

  /// Lets `hub` run on this server's loops; its sessions come by listen(url, hub.handler()). Once, before run(). The
  /// hub outlives the server.
  void attach(Hub& hub);

  /// Serves until stop() or drain() has finished. Once only. Errors: a thread or loop that could not be made, a path of
  /// http() that is wrong or taken, a second call. Once it has returned, nothing is listened on any more.
  Result<void, Error> run();

  /// Stops accepting, closes sessions with 1001, waits at most drain_timeout, then run() returns. From any thread.
  void drain();
  /// Makes run() return without waiting for anybody: sessions are cut, so their peers see 1006, and what is queued for
  /// them is lost. From any thread, also from a signal handler.
  void stop();
  /// Reads the certificate files again; the old certificate stays when they are bad. From any thread.
  Result<void, Error> reload();

  /// The certificate that new connections get, and behind it the one before while that is valid: a page may know
  /// either. Empty without a listener that needs one. From any thread.
  [[nodiscard]] std::vector<ServerCertificate> certificates() const;

  /// Runs `task` with the session on its loop; does nothing when it is gone. What it throws is logged, and closes the
  /// session with 1011. From any thread.
  void post(SessionId id, std::function<void(Session&)> task);
  /// Runs `task` with a deferred opening on its loop, to accept or reject it; does nothing when it is answered or gone.
  /// From any thread.
  void post(OpeningId id, std::function<void(OpeningRequest&)> task);
  /// From any thread.
  [[nodiscard]] ServerStats stats() const;
  /// The loops (plait/executor.hpp), which last as long as the server: [i] has the sessions whose SessionId::loop is i,
  /// and [0] is the one of the thread that calls run(). Who wants all sessions posts a task to each. Empty if no loop
  /// could be made, which listen() and run() tell. From any thread.
  [[nodiscard]] std::vector<Executor*> executors();
  /// The first of them; null if there is none, which cannot be once listen() has succeeded.
  [[nodiscard]] Executor* executor();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace plait
