#include "transport/quic_listener.hpp"

#include <utility>

namespace plait::transport {
namespace {

quic::EndpointConfig config_of(const LoopContext& context, const QuicListener::Options& options) {
  quic::EndpointConfig config;
  config.server_tls = options.tls;
  config.loop_number = options.socket_number;
  config.secret = options.secret;
  config.handshakes_max = context.limits.handshakes_max;
  config.settings.handshake_timeout = context.limits.handshake_timeout;
  return config;
}

}  // namespace

QuicListener::QuicListener(LoopContext& context, net::UdpSocket socket, const Router& router, const Options& options)
    : endpoint_(context, std::move(socket), config_of(context, options),
                [this](quic::Connection& connection) {
                  service_.endpoint.context().counters.connections_accepted.add();
                  H3Connection& accepted = H3Connection::make(service_);
                  accepted.attach(connection);
                  return &accepted;
                }),
      service_{.endpoint = endpoint_, .router = &router} {}

}  // namespace plait::transport
