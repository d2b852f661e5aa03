#include "client/quic_client.hpp"

#include <chrono>
#include <utility>

#include "client/frame_request.hpp"
#include "crypto/file.hpp"
#include "transport/raw_session.hpp"

namespace plait {
namespace {

quic::EndpointConfig client_config() { return {}; }

std::string path_of(const http::Uri& uri) { return uri.query.empty() ? uri.path : uri.path + "?" + uri.query; }

}  // namespace

QuicClient::Side::Side(transport::LoopContext& context, net::UdpSocket socket)
    : endpoint(context, std::move(socket), client_config(), nullptr),
      service{.endpoint = endpoint, .options = {.role = h3::Role::client}} {}

Result<QuicClient::Side*, Error> QuicClient::side_of(bool ipv6) {
  std::unique_ptr<Side>& side = sides_[ipv6];
  if (side != nullptr) return side.get();
  auto socket = net::UdpSocket::bind(net::Address{.host = ipv6 ? "::" : "0.0.0.0"}, {});
  if (!socket) return err(socket.error());
  auto made = std::make_unique<Side>(context_, std::move(*socket));
  if (auto started = made->endpoint.start(); !started) return err(started.error());
  side = std::move(made);
  return side.get();
}

// Reading the system's authorities takes milliseconds, so each combination of what a context depends on has one.
Result<const quic::ClientTls*, Error> QuicClient::tls_of(const std::string& alpn, const ConnectOptions& options) {
  const TlsKey key{alpn, options.verify_certificate, options.certificate_authority_file, options.certificate_hashes};
  if (const auto found = tls_.find(key); found != tls_.end()) return &found->second;
  quic::ClientTlsConfig config;
  config.alpn = {alpn};
  config.wall_clock = [] { return std::chrono::system_clock::now(); };
  config.certificate_hashes = options.certificate_hashes;
  if (!options.certificate_hashes.empty()) {
    config.verify = quic::ClientTlsConfig::Verify::hashes;
  } else if (!options.verify_certificate) {
    config.verify = quic::ClientTlsConfig::Verify::off;
  }
  if (!options.certificate_authority_file.empty()) {
    auto text = crypto::read_file(options.certificate_authority_file);
    if (!text) return err(text.error());
    config.authority_pem = std::move(*text);
  }
  auto tls = quic::ClientTls::make(std::move(config));
  if (!tls) return err(tls.error());
  return &tls_.emplace(key, std::move(*tls)).first->second;
}

Result<SessionId, Error> QuicClient::connect(const http::Uri& uri, std::unique_ptr<SessionHandler> handler,
                                             const ConnectOptions& options) {
  const auto addresses = net::resolve({.host = uri.host, .port = uri.port});
  if (!addresses) return err(addresses.error());
  const bool raw = uri.scheme == http::Scheme::quic;
  const auto tls = tls_of(raw ? "plait/1" : "h3", options);
  if (!tls) return err(tls.error());
  const auto side = side_of(addresses->front().is_ipv6());
  if (!side) return err(side.error());
  if (raw) return connect_raw(**side, addresses->front(), uri, **tls, std::move(handler), options);
  auto& connection = transport::H3Connection::make((*side)->service);
  const auto started = (*side)->endpoint.connect(addresses->front(), uri.host, **tls, connection);
  if (!started) {
    connection.abort({});
    return err(started.error());
  }
  connection.attach(**started);
  transport::WtSession& session = connection.connect({.authority = to_host_field(uri),
                                                      .path = path_of(uri),
                                                      .subprotocols = options.subprotocols,
                                                      .headers = options.headers},
                                                     std::move(handler));
  session.set_opening_deadline(std::chrono::steady_clock::now() + options.timeout);
  return session.id();
}

Result<SessionId, Error> QuicClient::connect_raw(Side& side, const net::SocketAddress& address, const http::Uri& uri,
                                                 const quic::ClientTls& tls, std::unique_ptr<SessionHandler> handler,
                                                 const ConnectOptions& options) {
  auto& session = transport::RawSession::make(context_, nullptr);
  const auto started = side.endpoint.connect(address, uri.host, tls, session);
  if (!started) {
    session.abort();
    return err(started.error());
  }
  session.attach(**started);
  session.connect(client::frame_request(uri, options), std::move(handler));
  session.set_opening_deadline(std::chrono::steady_clock::now() + options.timeout);
  return session.id();
}

}  // namespace plait
