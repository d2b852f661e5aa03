#include "server/server_impl.hpp"

#include <plait/hub.hpp>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

#include "core/bounded.hpp"
#include "hub/access.hpp"
#include "net/affinity.hpp"
#include "net/service_manager.hpp"
#include "server/loopback.hpp"
#include "server/metrics.hpp"
#include "transport/opening.hpp"
#include "transport/tcp/frame_session.hpp"
#include "transport/tcp/http_connection.hpp"

namespace plait {
namespace {

net::Address address_of(const http::Uri& uri) {
  return {.host = uri.host, .port = uri.port, .unix_path = uri.socket_path};
}

bool same_address(const http::Uri& a, const http::Uri& b) {
  const bool one_wire = a.scheme == b.scheme || (is_quic(a.scheme) && is_quic(b.scheme));
  return one_wire && a.host == b.host && a.port == b.port && a.socket_path == b.socket_path;
}

Result<http::Uri, Error> parse_listen_url(std::string_view url) {
  auto uri = http::parse_uri(url);
  if (!uri) return err(Error{"cannot listen on \"" + std::string{url} + "\": " + std::string{describe(uri.error())}});
  switch (uri->scheme) {
    case http::Scheme::tcp:
    case http::Scheme::tls:
    case http::Scheme::ws:
    case http::Scheme::wss:
    case http::Scheme::https:
    case http::Scheme::quic:
    case http::Scheme::unix_socket:
      return std::move(*uri);
    default:
      return err(Error{"cannot listen on \"" + std::string{url} +
                       "\": this build serves the schemes tcp: tls: ws: wss: https: quic: and unix:"});
  }
}

}  // namespace

Server::Impl::Impl(ServerOptions options)
    : options_(std::move(options)), certificates_(options_, [this](const CertificateLoader::Loaded& loaded) {
        for (const auto& worker : workers_) worker->set_tls(loaded.contexts, *loaded.quic);
      }) {
  options_.limits = core::bounded(options_.limits);
  options_.busy_poll = std::min(options_.busy_poll, net::kBusyPollMax);
  if (options_.threads == 0)
    options_.threads = static_cast<unsigned>(std::max<std::size_t>(1, net::available_cpus().size()));
  if (!options_.qlog_folder.empty()) qlog_ = std::make_unique<QlogFolder>(options_.qlog_folder);
  loops_made_ = make_workers();
  if (loops_made_ && options_.handle_signals) loops_made_ = watch_signals();
}

Server::Impl::~Impl() {
  stop();
  for (const auto& worker : workers_) worker->join();
}

// --- Set-up ----------------------------------------------------------------------------------------------------------

Result<std::string, Error> Server::Impl::listen(std::string_view url, HandlerFactory factory) {
  if (workers_.empty()) return err(loops_made_.error());
  if (has_run_) return err(Error{"cannot listen on \"" + std::string{url} + "\": listen() comes before run()"});
  auto uri = parse_listen_url(url);
  if (!uri) return err(uri.error());
  Binding* binding = find_binding(*uri);
  if (binding == nullptr) {
    auto bound = bind(*uri);
    if (!bound) return err(bound.error());
    binding = *bound;
  }
  if (auto added = router_for(*binding, uri->scheme).add_session(uri->path, std::move(factory)); !added) {
    return err(Error{"cannot listen on \"" + std::string{url} + "\": " + added.error().message});
  }
  uri->port = binding->uri.port;
  return to_string(*uri);
}

transport::Router& Server::Impl::router_for(Binding& binding, http::Scheme scheme) const {
  auto& router = scheme == http::Scheme::quic ? binding.raw_router : binding.router;
  if (router != nullptr) return *router;
  router = std::make_unique<transport::Router>();
  router->allowed_origins = options_.allowed_origins;
  router->deflate = options_.deflate;
  return *router;
}

void Server::Impl::http(std::string_view path, HttpHandler handler) {
  http_routes_.push_back({std::string{path}, std::move(handler)});
}

Server::Impl::Binding* Server::Impl::find_binding(const http::Uri& uri) {
  const auto found = std::ranges::find_if(bindings_, [&](const auto& binding) {
    return same_address(binding->uri, uri) && (uri.port != 0 || !uri.socket_path.empty());
  });
  return found == bindings_.end() ? nullptr : found->get();
}

Result<Server::Impl::Binding*, Error> Server::Impl::bind(const http::Uri& uri) {
  if (qlog_ != nullptr && is_quic(uri.scheme) && !server::is_loopback(uri.host)) {
    return err(Error{"qlog_folder is for development: \"" + to_string(uri) +
                     "\" would write secrets of connections from other machines to it; listen on 127.0.0.1 or ::1"});
  }
  auto binding = std::make_unique<Binding>();
  binding->uri = uri;
  if (auto bound = bind_socket(*binding); !bound)
    return err(Error{bound.error().message + hint_of_own(uri, bound.error()), bound.error().system_errno});
  if (is_secure(uri.scheme)) {  // after that: where the port is in use no development certificate is made
    if (auto loaded = certificates_.load(); !loaded) return err(loaded.error());
    const CertificateLoader::Contexts& contexts = certificates_.first().contexts;
    binding->tls = is_framed(uri.scheme) ? contexts.framed : contexts.http;
  }
  bindings_.push_back(std::move(binding));
  return bindings_.back().get();
}

// What has the port may be this very server, by another name of the address or by all addresses.
std::string Server::Impl::hint_of_own(const http::Uri& uri, const Error& error) const {
  if (error.system_errno != EADDRINUSE || !uri.socket_path.empty()) return {};
  const auto own = std::ranges::find_if(bindings_, [&](const auto& binding) {
    return binding->uri.socket_path.empty() && binding->uri.port == uri.port &&
           is_quic(binding->uri.scheme) == is_quic(uri.scheme);
  });
  return own == bindings_.end() ? "" : "; this server itself listens there, on \"" + to_string((*own)->uri) + "\"";
}

// Without others on the port, so that one in use is noticed.
Result<void, Error> Server::Impl::bind_socket(Binding& binding) const {
  const net::Address address = address_of(binding.uri);
  if (is_quic(binding.uri.scheme)) {
    return bind_quic(binding, address);
  }
  auto listener = net::Listener::bind(address, {.reuse_port = false});
  if (!listener) return err(listener.error());
  binding.listener = std::move(*listener);
  if (binding.uri.socket_path.empty()) binding.uri.port = binding.listener.port();
  return {};
}

// One socket for each worker, all at once: clients may come before run(). The kernel steers each packet to the socket
// that the first byte of its connection ID names, which tells at most 256 apart.
Result<void, Error> Server::Impl::bind_quic(Binding& binding, const net::Address& address) const {
  const std::size_t count = std::min<std::size_t>(options_.threads, 256);
  auto first = net::UdpSocket::bind(address, {.reuse_port = false});
  if (!first) return err(first.error());
  binding.uri.port = first->name().port();
  binding.udp.push_back(std::move(*first));
  while (binding.udp.size() < count) {
    auto another = binding.udp.front().another();
    if (!another) return err(another.error());
    binding.udp.push_back(std::move(*another));
  }
  if (count == 1) return {};
  return binding.udp.front().steer_by_connection_id(static_cast<unsigned>(count));
}

Result<void, Error> Server::Impl::make_workers() {
  for (std::uint32_t index = 0; index < options_.threads; ++index) {
    auto loop = net::Loop::make({.busy_poll = options_.busy_poll});
    if (!loop) return err(loop.error());
    workers_.push_back(std::make_unique<Worker>(std::move(*loop), options_.limits, index, connection_count_));
  }
  return {};
}

namespace {

// In development mode, which is for loopback only, whatever of its names a person has typed: the page of one goes on
// with another, that of the https: listener.
void allow_loopback_names(transport::Router& router, bool secure, std::uint16_t port) {
  for (const char* host : {"localhost", "127.0.0.1", "[::1]"}) {
    router.allowed_origins.push_back((secure ? "https://" : "http://") + std::string{host} + ":" +
                                     std::to_string(port));
  }
}

}  // namespace

// Pages of ws: and wss: may open sessions at https: of the same host; responses of wss: say that it is there.
void Server::Impl::introduce_bindings() {
  for (const auto& binding : bindings_) {
    if (!is_quic(binding->uri.scheme) || binding->router == nullptr) continue;
    for (const auto& other : bindings_) {
      const bool secure = other->uri.scheme == http::Scheme::wss;
      if (other->uri.host != binding->uri.host || (!secure && other->uri.scheme != http::Scheme::ws)) continue;
      binding->router->page_origins.push_back({.secure = secure, .port = other->uri.port});
      if (options_.development_certificate) allow_loopback_names(*binding->router, secure, other->uri.port);
      if (secure) other->router->alternative_service = "h3=\":" + std::to_string(binding->uri.port) + "\"";
    }
  }
}

Result<void, Error> Server::Impl::start_listening() {
  if (std::ranges::any_of(middleware_, [](const auto& link) { return link == nullptr; })) {
    return err(Error{"use() was given null"});
  }
  introduce_bindings();
  for (const auto& binding : bindings_) {
    for (transport::Router* router : {binding->router.get(), binding->raw_router.get()}) {
      if (router == nullptr) continue;
      for (const auto& link : middleware_) router->middleware.push_back(link.get());
    }
    for (const auto& route : http_routes_) {
      if (binding->router == nullptr) continue;
      if (auto added = binding->router->add_http(route.path, route.handler); !added) return added;
    }
    if (is_quic(binding->uri.scheme)) {
      if (auto listening = listen_quic(*binding); !listening) return listening;
      continue;
    }
    for (std::size_t i = workers_.size(); i-- > 0;) {
      if (auto listening = listen_on(*workers_[i], *binding, i == 0); !listening) return listening;
    }
  }
  return {};
}

std::vector<Executor*> Server::Impl::executors() const {
  std::vector<Executor*> loops;
  for (const auto& worker : workers_) loops.push_back(&worker->loop());
  return loops;
}

void Server::Impl::attach(Hub& hub) {
  const std::vector<Executor*> loops = executors();
  if (!loops.empty()) HubAccess::attach(hub, loops);  // else run() says why there are none
}

// Every worker has a listening socket of its own for the port, and the kernel spreads connections over them.
Result<void, Error> Server::Impl::listen_on(Worker& worker, Binding& binding, bool first) {
  const transport::Router& router = *binding.router;
  transport::Acceptor::MakeProtocol make_protocol;
  if (is_framed(binding.uri.scheme)) {
    make_protocol = [&worker, &router] { return std::make_unique<transport::FrameAccept>(worker.context(), router); };
  } else {
    make_protocol = [&router] { return std::make_unique<transport::HttpConnection>(router); };
  }
  Result<net::Listener, Error> listener = first ? std::move(binding.listener) : binding.listener.another();
  if (!listener) return err(listener.error());
  return worker.listen(std::make_unique<transport::Acceptor>(worker.context(), std::move(*listener), binding.tls,
                                                             std::move(make_protocol)),
                       is_framed(binding.uri.scheme));
}

// Each worker that has one of the binding's sockets has had one of every binding before, so all know it by one index.
Result<void, Error> Server::Impl::listen_quic(Binding& binding) {
  const std::size_t index = quic_binding_count_++;
  const CertificateLoader::Loaded& certificate = certificates_.first();
  quic::MakeQlog make_qlog;
  const auto secret = quic_secret_of(certificate, http::to_host_field(binding.uri));
  const auto token_secret = quic_token_secret_of(secret, boot_name());
  if (qlog_ != nullptr) make_qlog = [this](ByteView connection_id) { return qlog_->open(connection_id); };
  for (std::size_t i = 0; i < binding.udp.size(); ++i) {
    transport::SharedPort shared{.socket_count = static_cast<unsigned>(binding.udp.size()),
                                 .socket_number = static_cast<unsigned>(i),
                                 .forward = [this, index](unsigned socket, transport::StrayDatagram stray) {
                                   workers_[socket]->forward(index, std::move(stray));
                                 }};
    auto listener = std::make_unique<transport::QuicListener>(
        workers_[i]->context(), std::move(binding.udp[i]),
        transport::QuicListener::Routers{.h3 = binding.router.get(), .raw = binding.raw_router.get()},
        transport::QuicListener::Options{.tls = *certificate.quic,
                                         .secret = secret,
                                         .token_secret = token_secret,
                                         .shared = std::move(shared),
                                         .make_qlog = make_qlog});
    if (auto listening = workers_[i]->listen(std::move(listener)); !listening) return listening;
  }
  return {};
}

// From the constructor on, so that a signal that comes before run() drains it as well.
Result<void, Error> Server::Impl::watch_signals() {
  auto signals = net::SignalWatcher::make(workers_.front()->loop(), {SIGTERM, SIGINT, SIGHUP},
                                          [this](int signal) { handle_signal(signal); });
  if (!signals && signals.error().system_errno == EBUSY) {
    return err(Error{"another Server of this process has handle_signals: give it to one only", EBUSY});
  }
  if (!signals) return err(signals.error());
  signals_ = std::move(*signals);
  ends_on_hangup_ = options_.development_certificate && !signals_->was_ignored(SIGHUP);
  return {};
}

// --- Running ---------------------------------------------------------------------------------------------------------

Result<void, Error> Server::Impl::run() {
  if (has_run_.exchange(true)) return err(Error{"this server has run() already: make another one to serve again"});
  auto served = serve();
  for (const auto& worker : workers_) worker->join();
  certificates_.end_watch();
  signals_.reset();
  for (const auto& worker : workers_) worker->close_listeners();
  for (const auto& binding : bindings_) {  // what no worker has had yet
    binding->listener.close();
    binding->udp.clear();
  }
  return served;
}

Result<void, Error> Server::Impl::serve() {
  if (!loops_made_) return loops_made_;
  if (auto listening = start_listening(); !listening) return listening;
  certificates_.watch(workers_.front()->loop());
  if (auto started = start_threads(); !started) {
    stop();
    return started;
  }
  if (options_.handle_signals) net::notify_service_manager("READY=1");
  workers_.front()->run(cpu_of(0));
  return {};
}

// The first loop is for the thread that called run().
Result<void, Error> Server::Impl::start_threads() {
  for (std::size_t i = 1; i < workers_.size(); ++i) {
    if (auto started = workers_[i]->start_thread(cpu_of(i)); !started) {
      const std::string which = "loop " + std::to_string(i + 1) + " of " + std::to_string(workers_.size());
      return err(Error{which + ": " + started.error().message, started.error().system_errno});
    }
  }
  return {};
}

int Server::Impl::cpu_of(std::size_t worker) const {
  return options_.cpus.empty() ? -1 : options_.cpus[worker % options_.cpus.size()];
}

void Server::Impl::handle_signal(int signal) {
  const bool hangup = signal == SIGHUP;
  if (hangup && !ends_on_hangup_) return certificates_.try_reload();
  if (std::exchange(draining_, true)) {  // who asks twice does not want to wait; a shell may repeat the hangup
    if (!hangup) stop();
    return;
  }
  net::notify_service_manager("STOPPING=1");
  drain();
}

void Server::Impl::drain() {
  for (const auto& worker : workers_) worker->drain(options_.drain_timeout);
}

void Server::Impl::stop() {
  for (const auto& worker : workers_) worker->stop();
}

void Server::Impl::post(SessionId id, std::function<void(Session&)> task) {
  if (id.loop >= workers_.size()) return;
  Worker& worker = *workers_[id.loop];
  worker.loop().post([&worker, id, task = std::move(task)] { worker.context().run(id, task); });
}

void Server::Impl::post(OpeningId id, std::function<void(OpeningRequest&)> task) {
  if (id.loop >= workers_.size()) return;
  Worker& worker = *workers_[id.loop];
  worker.loop().post([&worker, id, task = std::move(task)] {
    const auto& openings = worker.context().openings;
    if (const auto found = openings.find(id.number); found != openings.end()) found->second->answer(task);
  });
}

ServerStats Server::Impl::stats() const {
  ServerStats sum;
  for (const auto& worker : workers_) core::add_to(sum, worker->counters(), server::kServerMetrics);
  return sum;
}

}  // namespace plait
