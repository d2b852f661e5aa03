#include "client/client_impl.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "client/check_headers.hpp"
#include "client/frame_request.hpp"
#include "core/bounded.hpp"
#include "net/listen_advice.hpp"
#include "tls/protocol_names.hpp"
#include "transport/tcp/frame_session.hpp"
#include "transport/tcp/tcp_connection.hpp"
#include "transport/tcp/ws_connect.hpp"

namespace plait {

Result<http::Uri, Error> parse_connect_url(std::string_view url) {
  auto uri = http::parse_uri(url);
  if (!uri) return err(Error{"cannot connect to \"" + std::string{url} + "\": " + std::string{describe(uri.error())}});
  if (is_secure(uri->scheme) || is_framed(uri->scheme) || uri->scheme == http::Scheme::ws || is_quic(uri->scheme) ||
      uri->scheme == http::Scheme::unix_socket) {
    return std::move(*uri);
  }
  return err(Error{"cannot connect to \"" + std::string{url} +
                   "\": this build connects to the schemes ws: wss: tcp: tls: https: quic: and unix:"});
}

Client::Impl::Impl(const ClientOptions& options, std::uint32_t index)
    : options_(options), loop_({.busy_poll = std::min(options.busy_poll, net::kBusyPollMax)}) {
  options_.limits = core::bounded(options_.limits);
  static_cast<void>(loop_.open());  // who connects is told
  context_ = std::make_unique<transport::LoopContext>(loop_, options_.limits, index, connection_count_);
  resolver_ = std::make_unique<net::Resolver>(loop_, dial_settings_.look_up);
  quic_ = std::make_unique<QuicClient>(*context_, *resolver_, dial_settings_);
}

Client::Impl::~Impl() {
  ending_ = true;  // whoever connects again in on_close would never end
  context_->end_connections();
}

Result<void, Error> Client::Impl::open() {
  const auto opened = loop_.open();
  if (opened) return {};
  const std::string advice = net::accept_advice(opened.error().system_errno);
  return err(Error{"the client has no event loop: " + opened.error().message + (advice.empty() ? "" : "; " + advice),
                   opened.error().system_errno});
}

Result<SessionId, Error> Client::Impl::connect(std::string_view url, std::unique_ptr<SessionHandler> handler,
                                               const ConnectOptions& options) {
  if (ending_) return err(Error{"the client is being destroyed"});
  auto uri = parse_connect_url(url);
  if (!uri) return err(uri.error());
  if (auto checked = client::check_headers(options); !checked) return err(checked.error());
  if (auto checked = client::check_subprotocols(options); !checked) return err(checked.error());
  if (handler == nullptr) return err(Error{"cannot connect to \"" + std::string{url} + "\": the handler is null"});
  const auto wants = transport::Wants::try_of(*handler);
  if (!wants) return err(Error{"the handler threw when it was asked what it wants"});
  if (auto opened = open(); !opened) return err(opened.error());
  if (is_quic(uri->scheme)) return quic_->connect(*uri, std::move(handler), *wants, options);
  std::unique_ptr<tls::Engine> engine;
  if (is_secure(uri->scheme)) {
    auto made = make_engine(*uri, options);
    if (!made) return err(made.error());
    engine = std::move(*made);
  }
  return connect_tcp(
      {.host = uri->host, .port = uri->port, .unix_path = uri->socket_path},
      {.tls = std::move(engine), .handler = std::move(handler), .make_protocol = protocol_maker(*uri, *wants, options)},
      options.timeout);
}

Result<void, Error> Client::Impl::get(std::string_view url, std::unique_ptr<ResponseHandler> handler,
                                      const ConnectOptions& options) {
  if (ending_) return err(Error{"the client is being destroyed"});
  const auto uri = http::parse_uri(url);
  const std::string cannot = "cannot get \"" + std::string{url} + "\": ";
  if (handler == nullptr) return err(Error{cannot + "the handler is null"});
  if (!uri) return err(Error{cannot + std::string{describe(uri.error())}});
  if (uri->scheme != http::Scheme::https) return err(Error{cannot + "HTTP/3 has https: URLs only"});
  if (auto checked = client::check_headers(options); !checked) return err(Error{cannot + checked.error().message});
  if (auto opened = open(); !opened) return err(Error{cannot + opened.error().message, opened.error().system_errno});
  return quic_->get(*uri, std::move(handler), options);
}

// Only of names there may be several addresses, and only they have to be looked up.
Result<SessionId, Error> Client::Impl::connect_tcp(const net::Address& address, client::TcpDial::Load load,
                                                   Duration timeout) {
  const auto deadline = std::chrono::steady_clock::now() + core::bounded(timeout);
  const auto make_dial = [&] {
    return std::make_unique<client::TcpDial>(*context_, *resolver_, dial_settings_, std::move(load));
  };
  if (address.unix_path.empty() && !net::as_literal(address)) {
    return client::Dial::start(make_dial(), address, deadline);
  }
  auto socket = net::Socket::connect(address);
  if (!socket) return client::Dial::fail_soon(make_dial(), socket.error().message);
  auto* connection = transport::TcpConnection::start(*context_, std::move(*socket), std::move(load.tls),
                                                     load.make_protocol(std::move(load.handler)), true);
  if (connection == nullptr) return err(Error{"cannot watch one more socket"});
  connection->set_deadline(deadline);
  return connection->id();
}

// Reading the system's authorities takes milliseconds, so each combination of what a context depends on has one.
Result<std::unique_ptr<tls::Engine>, Error> Client::Impl::make_engine(const http::Uri& uri,
                                                                      const ConnectOptions& options) {
  TlsChoice choice{.verify = options.verify_certificate,
                   .authority_file = options.certificate_authority_file,
                   .certificate_file = options.certificate_file,
                   .private_key_file = options.private_key_file,
                   .framed = is_framed(uri.scheme)};
  auto found = tls_contexts_.find(choice);
  if (found == tls_contexts_.end()) {
    auto context = tls::Context::client({.verify = choice.verify,
                                         .authority_file = choice.authority_file,
                                         .alpn = {choice.framed ? tls::kAlpnFrames : tls::kAlpnHttp1},
                                         .certificate_file = choice.certificate_file,
                                         .private_key_file = choice.private_key_file});
    if (!context) return err(context.error());
    found = tls_contexts_.emplace(std::move(choice), std::move(*context)).first;
  }
  return tls::Engine::connect(found->second, uri.host);
}

std::function<std::unique_ptr<transport::Protocol>(std::unique_ptr<SessionHandler>)> Client::Impl::protocol_maker(
    const http::Uri& uri, transport::Wants wants, const ConnectOptions& options) {
  if (!is_framed(uri.scheme)) {
    return [request = transport::WsConnect::Request{.target = uri.target(),
                                                    .host = to_host_field(uri),
                                                    .subprotocols = options.subprotocols,
                                                    .headers = options.headers,
                                                    .deflate = options.deflate,
                                                    .parts = wants.parts}](auto handler) {
      return std::make_unique<transport::WsConnect>(std::move(handler), request);
    };
  }
  return [this, wants, request = client::frame_request(uri, options)](auto handler) {
    return std::make_unique<transport::FrameConnect>(*context_, std::move(handler), wants.parts, request);
  };
}

void Client::Impl::run() {
  constexpr std::chrono::hours kWaitMax{1};  // a task ends it
  while (!stopped_.load(std::memory_order_acquire) && !is_idle()) loop_.run_once(kWaitMax);
  stopped_.store(false, std::memory_order_release);
}

void Client::Impl::stop() {
  stopped_.store(true, std::memory_order_release);
  loop_.post([] {});  // ends the wait
}

void Client::Impl::post(SessionId id, std::function<void(Session&)> task) {
  loop_.post([this, id, task = std::move(task)] { context_->run(id, task); });
}

}  // namespace plait
