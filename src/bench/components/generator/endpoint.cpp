#include "bench/components/generator/endpoint.hpp"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

namespace plait::bench {

namespace {

constexpr std::size_t kHeadBytesMax = 16 << 10;
// RFC 6455 §1.3's own example pair of Sec-WebSocket-Key and Sec-WebSocket-Accept.
constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr std::string_view kAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

struct Resolved {
  sockaddr_storage address{};
  socklen_t length = 0;
};

/// Numeric addresses and names alike; length 0 when there is none.
Resolved resolve(const Url& url) {
  Resolved out;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (getaddrinfo(url.host.c_str(), std::to_string(url.port).c_str(), &hints, &list) != 0) return out;
  std::memcpy(&out.address, list->ai_addr, list->ai_addrlen);
  out.length = list->ai_addrlen;
  freeaddrinfo(list);
  return out;
}

/// One look-up a server: a run speaks to one, and connect mode must not time the resolver.
const Resolved& resolve_once(const Url& url) {
  static Url last;
  static Resolved resolved;
  if (last.port != url.port || last.host != url.host) {
    last = url;
    resolved = resolve(url);
  }
  return resolved;
}

}  // namespace

void SslContextDeleter::operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
void SslDeleter::operator()(SSL* ssl) const { SSL_free(ssl); }

SslContext make_client_context() {
  SslContext context{SSL_CTX_new(TLS_client_method())};
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context.get(), 1);  // several records a system call
  SSL_CTX_set_default_read_buffer_len(context.get(), 256 << 10);
  return context;
}

Endpoint::Endpoint(Endpoint&& other) noexcept { *this = std::move(other); }

Endpoint& Endpoint::operator=(Endpoint&& other) noexcept {
  std::swap(ssl_, other.ssl_);
  std::swap(greeting_, other.greeting_);
  std::swap(head_, other.head_);
  std::swap(failure_, other.failure_);
  std::swap(fd_, other.fd_);
  std::swap(phase_, other.phase_);
  std::swap(request_sent_, other.request_sent_);
  return *this;
}

bool Endpoint::fail(std::string why) {
  failure_ = std::move(why);
  phase_ = Phase::failed;
  return false;
}

bool Endpoint::start(const EndpointOptions& options) {
  const Resolved& to = resolve_once(options.url);
  if (to.length == 0) return fail("cannot resolve " + options.url.host);
  fd_ = socket(to.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return fail(fmt::format("socket: {}", std::strerror(errno)));
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  phase_ = Phase::connecting;
  const auto* address = reinterpret_cast<const sockaddr*>(&to.address);
  if (connect(fd_, address, to.length) != 0 && errno != EINPROGRESS) {
    return fail(fmt::format("connect: {}", std::strerror(errno)));
  }
  return true;
}

Endpoint::Phase Endpoint::advance(const EndpointOptions& options) {
  if (phase_ == Phase::connecting && connected()) {
    phase_ = options.url.is_tls() ? Phase::securing : first_phase(options);
  }
  if (phase_ == Phase::securing && secure(options)) phase_ = first_phase(options);
  if (phase_ == Phase::upgrading && upgrade(options)) {
    phase_ = options.url.is_socket_io() ? Phase::greeting : Phase::open;
  }
  if (phase_ == Phase::hello && say_hello(options.hello)) phase_ = Phase::open;
  if (phase_ == Phase::greeting && greet()) phase_ = Phase::open;
  return phase_;
}

Endpoint::Phase Endpoint::first_phase(const EndpointOptions& options) {
  if (options.url.is_websocket()) return Phase::upgrading;
  return options.hello.request.empty() ? Phase::open : Phase::hello;
}

bool Endpoint::connected() {
  sockaddr_storage peer{};
  socklen_t length = sizeof peer;
  if (getpeername(fd_, reinterpret_cast<sockaddr*>(&peer), &length) == 0) return true;
  int error = 0;
  length = sizeof error;
  getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &length);
  return error == 0 ? false : fail(fmt::format("connect: {}", std::strerror(error)));
}

bool Endpoint::secure(const EndpointOptions& options) {
  if (!ssl_) {
    ssl_.reset(SSL_new(options.tls));
    SSL_set_fd(ssl_.get(), fd_);
  }
  const int status = SSL_connect(ssl_.get());
  if (status == 1) return true;
  const int why = SSL_get_error(ssl_.get(), status);
  if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) return false;
  return fail(fmt::format("TLS handshake: {}", ERR_error_string(ERR_get_error(), nullptr)));
}

bool Endpoint::upgrade(const EndpointOptions& options) {
  if (!request_sent_ && !send_request(make_upgrade_request(options.url, options.deflate))) return false;
  const std::size_t end = receive_until("\r\n\r\n");
  if (end == 0) return false;
  if (!accepts_upgrade({head_.data(), end}, options.deflate)) {
    return fail(fmt::format("refused{}: {}", options.deflate ? ", or without permessage-deflate" : "",
                            head_.substr(0, head_.find('\r'))));
  }
  head_.erase(0, end);
  return true;
}

bool Endpoint::say_hello(const Hello& hello) {
  if (!request_sent_ && !send_request(hello.request)) return false;
  const std::size_t end = receive_until(hello.answer_end);
  // Both brokers' errors are lines that begin with a minus sign; the connection may end behind one.
  const std::size_t error = head_.starts_with('-') ? 0 : head_.find("\n-");
  if (error != std::string::npos) {
    const std::size_t line = head_.find('-', error);
    return fail("refused: " + head_.substr(line, head_.find('\r', line) - line));
  }
  if (end == 0) return false;
  head_.erase(0, end);
  return true;
}

/// In one call: what a fresh connection takes without waiting.
bool Endpoint::send_request(std::string_view request) {
  request_sent_ = write(as_bytes(request)) == request.size();
  return request_sent_ || fail("the opening handshake's request could not be sent");
}

/// Collects the answer; where `mark`, with which it ends, is over in head_, or 0 while it has not arrived.
std::size_t Endpoint::receive_until(std::string_view mark) {
  std::array<std::uint8_t, 4096> buffer{};
  while (const std::size_t got = read(buffer)) {
    head_ += as_text({buffer.data(), got});
    const auto at = head_.find(mark);
    if (at != std::string::npos) return at + mark.size();
    if (head_.size() > kHeadBytesMax) {
      fail("the answer to the opening handshake is too long");
      break;
    }
  }
  return 0;
}

bool Endpoint::greet() {
  if (!greeting_) greeting_ = std::make_unique<SocketIoGreeting>();
  std::array<std::uint8_t, 4096> buffer{};
  const std::string early = take_early_bytes();
  ByteView arrived = as_bytes(early);
  do {
    const auto answer = greeting_->handle(arrived);
    if (write(answer) != answer.size()) return fail("the Socket.IO connect packet could not be sent");
    arrived = ByteView{buffer}.first(greeting_->is_done() ? 0 : read(buffer));
  } while (!arrived.empty());
  return greeting_->is_done();
}

std::size_t Endpoint::read(MutableByteView into) {
  ssize_t got = 0;
  if (ssl_) {
    const int status = SSL_read(ssl_.get(), into.data(), static_cast<int>(std::min<std::size_t>(into.size(), 1 << 30)));
    if (status > 0) return static_cast<std::size_t>(status);
    const int why = SSL_get_error(ssl_.get(), status);
    if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) fail("TLS: the server closed the connection");
    return 0;
  }
  do got = recv(fd_, into.data(), into.size(), 0);
  while (got < 0 && errno == EINTR);
  if (got > 0) return static_cast<std::size_t>(got);
  if (got == 0) fail("the server closed the connection");
  if (got < 0 && errno != EAGAIN) fail(fmt::format("recv: {}", std::strerror(errno)));
  return 0;
}

std::size_t Endpoint::write(ByteView data) {
  if (data.empty()) return 0;
  if (ssl_) {
    const int status =
        SSL_write(ssl_.get(), data.data(), static_cast<int>(std::min<std::size_t>(data.size(), 1 << 30)));
    if (status > 0) return static_cast<std::size_t>(status);
    const int why = SSL_get_error(ssl_.get(), status);
    if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) fail("TLS: the connection broke while writing");
    return 0;
  }
  ssize_t sent = 0;
  do sent = send(fd_, data.data(), data.size(), MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  if (sent < 0 && errno != EAGAIN) fail(fmt::format("send: {}", std::strerror(errno)));
  return sent > 0 ? static_cast<std::size_t>(sent) : 0;
}

void Endpoint::reset() {
  if (fd_ < 0) return;
  ssl_.reset();
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close(std::exchange(fd_, -1));
  greeting_.reset();
  head_.clear();
  request_sent_ = false;
  phase_ = Phase::closed;
}

std::string Endpoint::take_early_bytes() { return std::exchange(head_, {}); }

std::string make_upgrade_request(const Url& url, bool deflate) {
  return fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}:{}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {}\r\n"
      "Sec-WebSocket-Version: 13\r\n{}\r\n",
      url.path.empty() ? "/" : url.path, url.host, url.port, kKey,
      deflate ? "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover; "
                "server_no_context_takeover\r\n"
              : "");
}

bool accepts_upgrade(std::string_view head, bool deflate) {
  std::string lower{head};
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto field = lower.find("\r\nsec-websocket-accept:");
  const bool has_deflate = lower.find("permessage-deflate") != std::string::npos;
  return lower.starts_with("http/1.1 101") && has_deflate == deflate && field != std::string::npos &&
         head.substr(field, head.find("\r\n", field + 2) - field).find(kAccept) != std::string_view::npos;
}

}  // namespace plait::bench
