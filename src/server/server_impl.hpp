// Server::Impl: what one server listens on, its workers, and what goes on on the thread that called run().
#pragma once

#include <plait/middleware.hpp>
#include <plait/server.hpp>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "http/uri.hpp"
#include "net/signals.hpp"
#include "net/socket.hpp"
#include "net/udp_socket.hpp"
#include "server/certificate_store.hpp"
#include "server/qlog.hpp"
#include "server/worker.hpp"
#include "transport/router.hpp"

namespace plait {

class Server::Impl {
 public:
  explicit Impl(ServerOptions options);
  ~Impl();

  Result<std::string, Error> listen(std::string_view url, HandlerFactory factory);
  void http(std::string_view path, HttpHandler handler);
  void use(std::unique_ptr<Middleware> link) { middleware_.push_back(std::move(link)); }
  void attach(Hub& hub);
  Result<void, Error> run();
  void drain();
  void stop();
  Result<void, Error> reload() { return certificates_.reload(); }
  [[nodiscard]] std::vector<ServerCertificate> certificates() const { return certificates_.certificates(); }
  void post(SessionId id, std::function<void(Session&)> task);
  void post(OpeningId id, std::function<void(OpeningRequest&)> task);
  [[nodiscard]] ServerStats stats() const;
  [[nodiscard]] std::vector<Executor*> executors() const;

 private:
  /// One address, with everything that is answered there.
  struct Binding {
    http::Uri uri;                    // with the port really bound; the path is that of the first listen()
    net::Listener listener;           // TCP or Unix
    std::vector<net::UdpSocket> udp;  // https: and quic:, which may share an address; one for each worker
    std::unique_ptr<transport::Router> router;
    std::unique_ptr<transport::Router> raw_router;  // of quic:
    std::shared_ptr<const tls::Context> tls;
  };
  struct HttpRoute {
    std::string path;
    HttpHandler handler;
  };

  Binding* find_binding(const http::Uri& uri);
  transport::Router& router_for(Binding& binding, http::Scheme scheme) const;
  Result<Binding*, Error> bind(const http::Uri& uri);
  [[nodiscard]] std::string hint_of_own(const http::Uri& uri, const Error& error) const;
  Result<void, Error> bind_socket(Binding& binding) const;
  Result<void, Error> bind_quic(Binding& binding, const net::Address& address) const;
  Result<void, Error> make_workers();
  void introduce_bindings();
  Result<void, Error> start_listening();
  Result<void, Error> listen_on(Worker& worker, Binding& binding, bool first);
  Result<void, Error> listen_quic(Binding& binding);
  Result<void, Error> watch_signals();
  Result<void, Error> serve();
  Result<void, Error> start_threads();
  [[nodiscard]] int cpu_of(std::size_t worker) const;
  void handle_signal(int signal);

  ServerOptions options_;
  std::atomic<std::size_t> connection_count_{0};
  std::unique_ptr<QlogFolder> qlog_;  // if there is to be one
  std::vector<std::unique_ptr<Binding>> bindings_;
  std::vector<HttpRoute> http_routes_;
  std::vector<std::unique_ptr<Middleware>> middleware_;
  std::vector<std::unique_ptr<Worker>> workers_;  // made first and kept, so that any thread may use them
  std::size_t quic_binding_count_ = 0;
  std::atomic<bool> has_run_{false};  // run() was called
  Result<void, Error> loops_made_;
  std::unique_ptr<net::SignalWatcher> signals_;
  bool ends_on_hangup_ = false;  // SIGHUP is a terminal that closed
  bool draining_ = false;        // since the first signal to end
  CertificateStore certificates_;
};

}  // namespace plait
