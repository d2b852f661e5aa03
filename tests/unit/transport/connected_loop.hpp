// ConnectedLoop: what a test of one connection stands on: a loop, and the other end of a Unix socket.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <memory>
#include <utility>

#include "support/transport_loop.hpp"
#include "transport/tcp/ws_session.hpp"

namespace plait::transport {

class ConnectedLoop : protected TransportLoop {
 protected:
  explicit ConnectedLoop(const Limits& limits = {}, const net::LoopOptions& options = {}, std::uint32_t index = 0)
      : TransportLoop(limits, options, index) {}

  /// The connection; `peer_` is its other end. The arguments are TcpConnection::start()'s.
  TcpConnection* connect(std::unique_ptr<Protocol> protocol, bool connecting = false,
                         std::unique_ptr<tls::Engine> tls = nullptr) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
    peer_ = net::Socket{ends[1]};
    TcpConnection* connection =
        TcpConnection::start(context_, net::Socket{ends[0]}, std::move(tls), std::move(protocol), connecting);
    EXPECT_NE(connection, nullptr);
    return connection;
  }
  /// The same over TCP. With few `send_buffer_bytes` the kernel takes writes in part, which it does not on Unix
  /// sockets.
  TcpConnection* connect_tcp(std::unique_ptr<Protocol> protocol, int send_buffer_bytes = 0) {
    auto listener = net::Listener::bind({.host = "127.0.0.1"});
    EXPECT_TRUE(listener);
    auto peer = net::Socket::connect(net::Address{.host = "127.0.0.1", .port = listener->port()});
    EXPECT_TRUE(peer);
    peer_ = std::move(*peer);
    net::Socket accepted;
    pollfd waiting{.fd = listener->fd(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&waiting, 1, 10'000), 1);
    EXPECT_EQ(listener->accept(accepted).status, net::IoStatus::ok);
    if (send_buffer_bytes > 0)
      ::setsockopt(accepted.fd(), SOL_SOCKET, SO_SNDBUF, &send_buffer_bytes, sizeof send_buffer_bytes);
    return TcpConnection::start(context_, std::move(accepted), nullptr, std::move(protocol));
  }
  /// A WebSocket session on a Unix socket.
  WsSession& open(std::unique_ptr<SessionHandler> handler, WsSession::Options options = {}) {
    auto owned = std::make_unique<WsSession>(context_, std::move(handler), std::move(options));
    WsSession& session = *owned;
    connect(std::move(owned));
    return session;
  }

  net::Socket peer_;
};

}  // namespace plait::transport
