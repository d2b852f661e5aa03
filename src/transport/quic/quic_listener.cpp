#include "transport/quic/quic_listener.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "tls/protocol_names.hpp"
#include "transport/h3/h3_server_connection.hpp"

namespace plait::transport {
namespace {

std::vector<std::string> protocols_of(const QuicListener::Routers& routers) {
  std::vector<std::string> names;
  if (routers.h3 != nullptr) names.emplace_back(tls::kAlpnHttp3);
  if (routers.raw != nullptr) names.emplace_back(tls::kAlpnFrames);
  return names;
}

quic::EndpointConfig config_of(const LoopContext& context, const QuicListener::Routers& routers,
                               const QuicListener::Options& options) {
  quic::EndpointConfig config;
  config.server_tls = options.tls.with_alpn(protocols_of(routers));
  config.loop_number = static_cast<std::uint8_t>(options.shared.socket_number);
  config.secret = options.secret;
  config.token_secret = options.token_secret;
  config.handshakes_max = context.limits.handshakes_max;
  // What forged addresses begin must take no more than a small part of all connections, either.
  config.retry_handshakes =
      std::min({config.retry_handshakes, context.limits.handshakes_max / 4, context.limits.connections_max / 16});
  config.settings.handshake_timeout = context.limits.handshake_timeout;
  config.make_qlog = options.make_qlog;
  return config;
}

h3::Settings settings_of(const LoopContext& context) {
  h3::Settings settings = h3::webtransport_settings();
  settings.field_section_bytes_max = std::min(context.limits.header_bytes_max, h3::kBufferedSectionsBytesMax);
  return settings;
}

}  // namespace

QuicListener::QuicListener(LoopContext& context, net::UdpSocket socket, const Routers& routers, const Options& options)
    : routers_(routers),
      endpoint_(
          context, std::move(socket), config_of(context, routers, options),
          [this](quic::Connection& connection) { return accept(connection); }, options.shared),
      service_{.endpoint = endpoint_,
               .router = routers.h3,
               .options = {.settings = settings_of(context), .field_count_max = context.limits.header_count_max},
               .sessions = {.settings = settings_of(context)}} {}

void QuicListener::set_tls(const quic::ServerTls& tls) { endpoint_.set_tls(tls.with_alpn(protocols_of(routers_))); }

// TLS has chosen one of protocols_of().
quic::ConnectionVisitor* QuicListener::accept(quic::Connection& connection) {
  LoopContext& context = endpoint_.context();
  context.counters.connections_accepted.add();
  if (connection.alpn() == tls::kAlpnFrames) {
    RawSession& accepted = RawSession::make(context, routers_.raw);
    accepted.attach(connection);
    return &accepted;
  }
  H3ServerConnection& accepted = H3ServerConnection::make(service_);
  accepted.attach(connection);
  return &accepted;
}

}  // namespace plait::transport
