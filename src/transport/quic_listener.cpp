#include "transport/quic_listener.hpp"

#include <algorithm>
#include <utility>

namespace plait::transport {
namespace {

quic::EndpointConfig config_of(const LoopContext& context, const QuicListener::Options& options) {
  quic::EndpointConfig config;
  config.server_tls = options.tls;
  config.loop_number = static_cast<std::uint8_t>(options.shared.socket_number);
  config.secret = options.secret;
  config.handshakes_max = context.limits.handshakes_max;
  config.retry_handshakes = std::min(config.retry_handshakes, context.limits.handshakes_max / 4);
  config.settings.handshake_timeout = context.limits.handshake_timeout;
  return config;
}

h3::Settings settings_of(const LoopContext& context) {
  h3::Settings settings = h3::webtransport_settings();
  settings.field_section_bytes_max = std::min(context.limits.header_bytes_max, h3::kBufferedSectionsBytesMax);
  return settings;
}

}  // namespace

QuicListener::QuicListener(LoopContext& context, net::UdpSocket socket, const Router& router, const Options& options)
    : endpoint_(
          context, std::move(socket), config_of(context, options),
          [this](quic::Connection& connection) {
            service_.endpoint.context().counters.connections_accepted.add();
            H3Connection& accepted = H3Connection::make(service_);
            accepted.attach(connection);
            return &accepted;
          },
          options.shared),
      service_{.endpoint = endpoint_,
               .router = &router,
               .options = {.settings = settings_of(context)},
               .sessions = {.settings = settings_of(context)}} {}

}  // namespace plait::transport
