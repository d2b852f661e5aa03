// Socket: an owned TCP or Unix stream socket, non-blocking, and the system calls on it.
#pragma once

#include <plait/bytes.hpp>
#include <plait/result.hpp>

#include <sys/uio.h>

#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "net/unix_socket_file.hpp"

namespace plait::net {

struct SocketAddress;

enum class IoStatus : std::uint8_t {
  ok,           ///< `bytes` > 0 were moved
  would_block,  ///< nothing now; wait for readiness
  end,          ///< read only: the peer sent FIN
  error,        ///< the connection is broken; `system_errno` says why
};

struct IoResult {
  IoStatus status = IoStatus::ok;
  int system_errno = 0;
  std::size_t bytes = 0;
};
static_assert(sizeof(IoResult) <= 16, "what is larger is not returned in registers");

/// Where to listen or connect: a host and port, or a Unix socket's path.
struct Address {
  std::string host{};  ///< IPv4, IPv6 without brackets, or a name; empty with unix_path
  std::uint16_t port = 0;
  std::string unix_path{};  ///< not empty: a Unix socket
};

class Socket {
 public:
  Socket() = default;
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Socket();

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  void close();

  /// Interrupted calls are repeated. Never raises SIGPIPE.
  IoResult read(MutableByteView into) const;
  IoResult read(std::span<const iovec> into) const;
  IoResult write(ByteView data) const;
  IoResult write(std::span<const iovec> data) const;
  /// Bytes written that the peer's kernel has not acknowledged yet; 0 if that cannot be known.
  [[nodiscard]] std::size_t unacknowledged_bytes() const;
  /// Bytes that have arrived and can be read; 0 if that cannot be known.
  [[nodiscard]] std::size_t unread_bytes() const;
  /// Sends FIN; what the peer still sends can be read.
  void shutdown_write() const;
  /// Makes close() send RST instead of FIN, so that nothing lingers.
  void reset_on_close() const;

  /// Starts connecting; ready when the socket becomes writable, then finish_connect().
  static Result<Socket, Error> connect(const SocketAddress& address);
  /// The same to the first resolved address whose family socket() accepts. Looks names up, which blocks.
  static Result<Socket, Error> connect(const Address& address);
  /// After the socket became writable: 0, or the errno of the failed connect.
  [[nodiscard]] int finish_connect() const;
  /// The peer as text: "127.0.0.1:5000", "[::1]:5000", "unix"; also when the connection is over, or
  /// was refused.
  [[nodiscard]] std::string peer() const;

 private:
  int fd_ = -1;
};

struct ListenOptions {
  int backlog = 4096;
  /// Whether to join others that listen there already, even another program of this user. A server that wants to know
  /// that its port is in use binds the first listener without and the others by another(). Not for Unix sockets.
  bool reuse_port = true;
};

/// A bound, listening socket. For several loops call it once per loop with the port of the first; a Unix socket is
/// bound once and shared by duplicating (`share`).
class Listener {
 public:
  /// Errors name the address and the likely fix ("port 8800 is in use: …").
  static Result<Listener, Error> bind(const Address& address, const ListenOptions& options = {});
  /// One more for another loop: of its own on the same port, over which the kernel spreads the connections, and for a
  /// Unix socket share().
  [[nodiscard]] Result<Listener, Error> another() const;
  /// The same listening socket for another loop (dup).
  [[nodiscard]] Result<Listener, Error> share() const;
  /// One waiting connection: no delay (TCP_NODELAY) set, non-blocking, close-on-exec. would_block when there is none;
  /// `error` with EMFILE/ENFILE/ENOBUFS/ENOMEM when there is one that cannot be taken now.
  IoResult accept(Socket& accepted) const;
  /// Whether a connection waits. Asking costs 0.2 µs, an accept() that finds none 1.5: the kernel makes a socket first.
  [[nodiscard]] bool has_waiting() const;
  [[nodiscard]] int fd() const { return socket_.fd(); }
  /// The port really bound (when 0 was asked).
  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// Stops listening and removes a Unix socket's file (of the one that bound it, not of those that share it).
  void close() {
    socket_.close();
    file_.remove();
  }

 private:
  bool open(const SocketAddress& name, const ListenOptions& options, const std::string& unix_path);

  Socket socket_;
  UnixSocketFile file_;
  int backlog_ = 0;
  std::uint16_t port_ = 0;
};

}  // namespace plait::net
