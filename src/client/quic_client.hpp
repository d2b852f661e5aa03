// QuicClient: the QUIC side of a client's loop: one UDP socket for each address family, made when first needed, and the
// HTTP/3 connections that several may use.
#pragma once

#include <plait/client.hpp>

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "client/h3_dial.hpp"
#include "client/h3_waiter.hpp"
#include "client/happy_eyeballs.hpp"
#include "http/uri.hpp"
#include "net/address.hpp"
#include "quic/tls.hpp"
#include "transport/h3/h3_client_connection.hpp"

namespace plait {

class QuicClient final : private transport::H3Owner {
 public:
  /// All outlive the object.
  QuicClient(transport::LoopContext& context, net::Resolver& resolver, const client::DialSettings& settings)
      : context_(context), resolver_(resolver), settings_(settings) {}
  QuicClient(const QuicClient&) = delete;
  QuicClient& operator=(const QuicClient&) = delete;

  /// A WebTransport session to an https: URL, or one over raw QUIC to a quic: URL. As Client::connect; `wants` is what
  /// the handler does.
  Result<SessionId, Error> connect(const http::Uri& uri, std::unique_ptr<SessionHandler> handler,
                                   transport::Wants wants, const ConnectOptions& options);
  /// As Client::get.
  Result<void, Error> get(const http::Uri& uri, std::unique_ptr<ResponseHandler> handler,
                          const ConnectOptions& options);

 private:
  // An endpoint of one address family and what its connections share.
  struct Side {
    explicit Side(transport::LoopContext& context, net::UdpSocket socket);
    transport::QuicEndpoint endpoint;
    transport::H3Service service;
  };
  // The connections to one server.
  struct Origin {
    std::vector<transport::H3ClientConnection*> connections;  // those that are shared
    std::vector<std::unique_ptr<client::H3Dial>> dials;       // at most one, where they are shared
    [[nodiscard]] bool is_empty() const { return connections.empty() && dials.empty(); }
  };

  Result<Side*, Error> side_of(bool ipv6);
  Result<const quic::ClientTls*, Error> tls_of(http::Scheme scheme, const client::QuicServer::Tls& choice);
  Result<SessionId, Error> connect_raw(const http::Uri& uri, std::unique_ptr<SessionHandler> handler,
                                       transport::Wants wants, const ConnectOptions& options);
  /// A QUIC connection to one address of the server, and what `make` makes above it on a side, with this owner.
  template <class Make, class Owner>
  auto begin(http::Scheme scheme, const client::QuicServer& server, const net::SocketAddress& address, Make make,
             Owner& owner) -> Result<decltype(make(std::declval<Side&>())), Error>;

  void place_soon(SessionId id);
  void place(SessionId id);
  void dial_for(client::H3Waiter& waiter, Origin& origin);
  void finish(const client::QuicServer& server, client::H3Dial& dial, transport::H3ClientConnection& connection,
              const std::vector<SessionId>& waiting);
  void drop(const client::QuicServer& server, client::H3Dial& dial);

  // H3Owner of the shared connections
  void on_ended(transport::H3ClientConnection& connection, const std::string& reason) override;

  transport::LoopContext& context_;
  net::Resolver& resolver_;
  const client::DialSettings& settings_;
  std::map<bool, std::unique_ptr<Side>> sides_;  // by whether it is IPv6
  std::map<std::pair<http::Scheme, client::QuicServer::Tls>, quic::ClientTls> tls_;
  std::map<client::QuicServer, Origin> origins_;
};

}  // namespace plait
