// QuicClient: the QUIC side of a client's loop: one UDP socket for each address family, made when first needed.
#pragma once

#include <plait/client.hpp>

#include <map>
#include <memory>
#include <tuple>

#include "http/uri.hpp"
#include "net/address.hpp"
#include "quic/tls.hpp"
#include "transport/h3_connection.hpp"

namespace plait {

class QuicClient {
 public:
  explicit QuicClient(transport::LoopContext& context) : context_(context) {}
  QuicClient(const QuicClient&) = delete;
  QuicClient& operator=(const QuicClient&) = delete;

  /// A WebTransport session to an https: URL, or one over raw QUIC to a quic: URL. As Client::connect.
  Result<SessionId, Error> connect(const http::Uri& uri, std::unique_ptr<SessionHandler> handler,
                                   const ConnectOptions& options);

 private:
  // An endpoint of one address family and what its connections share.
  struct Side {
    explicit Side(transport::LoopContext& context, net::UdpSocket socket);
    transport::QuicEndpoint endpoint;
    transport::H3Service service;
  };
  // All that a TLS context depends on.
  using TlsKey = std::tuple<std::string, bool, std::string, std::vector<CertificateHash>>;

  Result<Side*, Error> side_of(bool ipv6);
  Result<const quic::ClientTls*, Error> tls_of(const std::string& alpn, const ConnectOptions& options);
  Result<SessionId, Error> connect_raw(Side& side, const net::SocketAddress& address, const http::Uri& uri,
                                       const quic::ClientTls& tls, std::unique_ptr<SessionHandler> handler,
                                       const ConnectOptions& options);

  transport::LoopContext& context_;
  std::map<bool, std::unique_ptr<Side>> sides_;  // by whether it is IPv6
  std::map<TlsKey, quic::ClientTls> tls_;
};

}  // namespace plait
