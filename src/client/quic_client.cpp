#include "client/quic_client.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "client/frame_request.hpp"
#include "client/raw_dial.hpp"
#include "core/bounded.hpp"
#include "core/guard.hpp"
#include "crypto/file.hpp"
#include "tls/protocol_names.hpp"
#include "transport/no_session.hpp"
#include "transport/quic/raw_session.hpp"

namespace plait {

using client::H3Dial;
using client::H3Waiter;
using client::QuicServer;
using transport::H3ClientConnection;
using transport::RawSession;
using transport::WtRequest;

namespace {

// Who dials has a deadline, of ConnectOptions::timeout, which differs from session to session.
quic::EndpointConfig client_config() {
  quic::EndpointConfig config;
  config.settings.handshake_timeout = core::bounded(Duration::max());
  return config;
}

QuicServer server_of(const http::Uri& uri, const ConnectOptions& options) {
  return {.host = uri.host,
          .port = uri.port,
          .tls = {.verify = options.verify_certificate,
                  .authority_file = options.certificate_authority_file,
                  .certificate_hashes = options.certificate_hashes,
                  .certificate_file = options.certificate_file,
                  .private_key_file = options.private_key_file,
                  .resume = options.resume},
          .shared = options.reuse_connection};
}

// A session until its connection is there.
class SessionWaiter final : public H3Waiter {
 public:
  SessionWaiter(transport::LoopContext& context, QuicServer server, std::unique_ptr<SessionHandler> handler,
                transport::Wants wants, WtRequest request)
      : H3Waiter(context, std::move(server)),
        handler_(std::move(handler)),
        wants_(wants),
        request_(std::move(request)) {}

  [[nodiscard]] bool fits(const H3ClientConnection& connection) const override { return connection.admits_session(); }

 private:
  void take_over(H3ClientConnection& connection) override {
    connection.connect(std::move(request_), std::move(handler_), wants_, id()).set_opening_deadline(wait_deadline());
  }
  void tell_failed(const std::string& reason) override {
    transport::tell_not_opened(*handler_, {.reason = reason}, executor(), id());
  }

  std::unique_ptr<SessionHandler> handler_;
  const transport::Wants wants_;
  WtRequest request_;
};

// A request until its connection is there.
class FetchWaiter final : public H3Waiter {
 public:
  FetchWaiter(transport::LoopContext& context, QuicServer server, std::unique_ptr<ResponseHandler> handler,
              transport::FetchRequest request, Duration timeout)
      : H3Waiter(context, std::move(server)),
        handler_(std::move(handler)),
        request_(std::move(request)),
        timeout_(timeout) {}

  [[nodiscard]] bool fits(const H3ClientConnection& connection) const override { return connection.admits_fetch(); }

 private:
  void take_over(H3ClientConnection& connection) override {
    connection.fetch(transport::H3Fetch::make(connection, std::move(request_), std::move(handler_), wait_deadline(),
                                              timeout_, id()));
  }
  void tell_failed(const std::string& reason) override {
    core::guarded("a handler of a response", [&] { handler_->on_end(err(Error{reason})); });
  }

  std::unique_ptr<ResponseHandler> handler_;
  transport::FetchRequest request_;
  Duration timeout_;
};

}  // namespace

QuicClient::Side::Side(transport::LoopContext& context, net::UdpSocket socket)
    : endpoint(context, std::move(socket), client_config(), nullptr),
      service{.endpoint = endpoint,
              .options = {.role = h3::Role::client, .field_count_max = context.limits.header_count_max}} {}

Result<QuicClient::Side*, Error> QuicClient::side_of(bool ipv6) {
  std::unique_ptr<Side>& side = sides_[ipv6];
  if (side != nullptr) return side.get();
  auto socket = net::UdpSocket::bind(net::Address{.host = ipv6 ? "::" : "0.0.0.0"}, {.report_refusals = true});
  if (!socket) return err(socket.error());
  auto made = std::make_unique<Side>(context_, std::move(*socket));
  if (auto started = made->endpoint.start(); !started) return err(started.error());
  side = std::move(made);
  return side.get();
}

// Reading the system's authorities takes milliseconds, so each combination of what a context depends on has one.
Result<const quic::ClientTls*, Error> QuicClient::tls_of(http::Scheme scheme, const client::QuicServer::Tls& choice) {
  const std::pair key{scheme, choice};
  if (const auto found = tls_.find(key); found != tls_.end()) return &found->second;
  quic::ClientTlsConfig config;
  config.alpn = {scheme == http::Scheme::quic ? tls::kAlpnFrames : tls::kAlpnHttp3};
  config.wall_clock = [] { return std::chrono::system_clock::now(); };
  config.certificate_hashes = choice.certificate_hashes;
  config.resume = choice.resume;
  if (!choice.certificate_hashes.empty()) {
    config.verify = quic::ClientTlsConfig::Verify::hashes;
  } else if (!choice.verify) {
    config.verify = quic::ClientTlsConfig::Verify::off;
  }
  if (!choice.authority_file.empty()) {
    auto text = crypto::read_file(choice.authority_file);
    if (!text) return err(text.error());
    config.authority_pem = std::move(*text);
  }
  if (!choice.certificate_file.empty()) {
    auto certificate = crypto::read_file(choice.certificate_file);
    if (!certificate) return err(certificate.error());
    auto private_key = crypto::read_file(choice.private_key_file);
    if (!private_key) return err(private_key.error());
    config.certificate_pem = std::move(*certificate);
    config.private_key_pem = std::move(*private_key);
  }
  auto tls = quic::ClientTls::make(std::move(config));
  if (!tls) return err(tls.error());
  return &tls_.emplace(key, std::move(*tls)).first->second;
}

Result<SessionId, Error> QuicClient::connect(const http::Uri& uri, std::unique_ptr<SessionHandler> handler,
                                             transport::Wants wants, const ConnectOptions& options) {
  if (uri.scheme == http::Scheme::quic) return connect_raw(uri, std::move(handler), wants, options);
  QuicServer server = server_of(uri, options);
  if (const auto tls = tls_of(http::Scheme::https, server.tls); !tls) return err(tls.error());
  WtRequest request{.authority = to_host_field(uri),
                    .path = uri.target(),
                    .subprotocols = options.subprotocols,
                    .headers = options.headers};
  const H3Waiter& waiter = H3Waiter::add(
      std::make_unique<SessionWaiter>(context_, std::move(server), std::move(handler), wants, std::move(request)),
      std::chrono::steady_clock::now() + core::bounded(options.timeout));
  place_soon(waiter.id());
  return waiter.id();
}

Result<void, Error> QuicClient::get(const http::Uri& uri, std::unique_ptr<ResponseHandler> handler,
                                    const ConnectOptions& options) {
  QuicServer server = server_of(uri, options);
  server.shared = true;
  if (const auto tls = tls_of(uri.scheme, server.tls); !tls) return err(tls.error());
  transport::FetchRequest request{.authority = to_host_field(uri), .path = uri.target(), .headers = options.headers};
  const H3Waiter& waiter =
      H3Waiter::add(std::make_unique<FetchWaiter>(context_, std::move(server), std::move(handler), std::move(request),
                                                  core::bounded(options.timeout)),
                    std::chrono::steady_clock::now() + core::bounded(options.timeout));
  place_soon(waiter.id());
  return {};
}

// One connection for each session (spec/frames.md §5).
Result<SessionId, Error> QuicClient::connect_raw(const http::Uri& uri, std::unique_ptr<SessionHandler> handler,
                                                 transport::Wants wants, const ConnectOptions& options) {
  const QuicServer server = server_of(uri, options);
  if (const auto tls = tls_of(uri.scheme, server.tls); !tls) return err(tls.error());
  const auto make = [this](Side&) { return &RawSession::make(context_, nullptr); };
  auto begin_one = [this, server, make](const net::SocketAddress& address, transport::RawOwner& owner) {
    return begin(http::Scheme::quic, server, address, make, owner);
  };
  auto dial = std::make_unique<client::RawDial>(context_, resolver_, settings_, std::move(begin_one),
                                                client::frame_request(uri, options), wants, std::move(handler));
  return client::Dial::start(std::move(dial), {.host = uri.host, .port = uri.port},
                             std::chrono::steady_clock::now() + core::bounded(options.timeout));
}

template <class Make, class Owner>
auto QuicClient::begin(http::Scheme scheme, const QuicServer& server, const net::SocketAddress& address, Make make,
                       Owner& owner) -> Result<decltype(make(std::declval<Side&>())), Error> {
  const auto tls = tls_of(scheme, server.tls);
  if (!tls) return err(tls.error());
  const auto side = side_of(address.is_ipv6());
  if (!side) return err(side.error());
  auto* wire = make(**side);
  const auto started = (*side)->endpoint.connect(address, server.host, **tls, *wire);
  if (!started) {
    wire->abort({});
    return err(started.error());
  }
  wire->attach(**started);
  wire->set_owner(&owner);
  return wire;
}

// What fails is not told before connect() has returned.
void QuicClient::place_soon(SessionId id) {
  context_.loop.post([this, id] { place(id); });
}

// --- Connections and who waits for them -----------------------------------------------------------------------------

void QuicClient::place(SessionId id) {
  auto* waiter = static_cast<H3Waiter*>(context_.entries.find(id));
  if (waiter == nullptr) return;
  Origin& origin = origins_[waiter->server()];
  const auto found = std::ranges::find_if(origin.connections, [&](const auto* one) { return waiter->fits(*one); });
  if (found != origin.connections.end()) return waiter->go_on(**found);
  if (!waiter->server().shared || origin.dials.empty()) return dial_for(*waiter, origin);
  origin.dials.front()->add(*waiter);
}

void QuicClient::dial_for(H3Waiter& waiter, Origin& origin) {
  auto made = std::make_unique<H3Dial>(context_.loop, resolver_, settings_.attempt_delay);
  H3Dial& dial = *made;
  const QuicServer& server = waiter.server();
  const auto make = [](Side& side) { return &H3ClientConnection::make(side.service); };
  dial.set_callbacks(
      {.begin = [this, server, make](
                    const net::SocketAddress& address,
                    H3Owner& owner) { return begin(http::Scheme::https, server, address, make, owner); },
       .finish = [this, server, &dial](H3ClientConnection& connection,
                                       const auto& waiting) { finish(server, dial, connection, waiting); },
       .give_up = [this, server, &dial] { drop(server, dial); }});
  origin.dials.push_back(std::move(made));
  dial.add(waiter);
  dial.start({.host = server.host, .port = server.port});
}

// Whom the connection has no room for gets another one. The first always goes on: it is told if there is none at all.
void QuicClient::finish(const QuicServer& server, H3Dial& dial, H3ClientConnection& connection,
                        const std::vector<SessionId>& waiting) {
  drop(server, dial);
  if (server.shared) {
    connection.set_owner(this);
    origins_[server].connections.push_back(&connection);
  }
  bool is_first = true;
  for (const SessionId id : waiting) {
    auto* waiter = static_cast<H3Waiter*>(context_.entries.find(id));
    if (waiter == nullptr) continue;
    if (std::exchange(is_first, false)) {
      waiter->go_on(connection);
    } else {
      place(id);
    }
  }
}

void QuicClient::drop(const QuicServer& server, H3Dial& dial) {
  const auto origin = origins_.find(server);
  if (origin == origins_.end()) return;
  auto& dials = origin->second.dials;
  const auto found = std::ranges::find(dials, &dial, [](const auto& one) { return one.get(); });
  if (found == dials.end()) return;
  (*found)->stop();
  context_.loop.retire(std::move(*found));
  dials.erase(found);
  if (origin->second.is_empty()) origins_.erase(origin);
}

void QuicClient::on_ended(H3ClientConnection& connection, const std::string&) {
  for (auto origin = origins_.begin(); origin != origins_.end(); ++origin) {
    if (std::erase(origin->second.connections, &connection) == 0) continue;
    if (origin->second.is_empty()) origins_.erase(origin);
    return;
  }
}

}  // namespace plait
