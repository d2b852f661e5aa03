#include <plait/middleware.hpp>
#include <plait/server.hpp>

#include <utility>

#include "server/server_impl.hpp"

namespace plait {

Server::Server(ServerOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Server::~Server() = default;

Result<std::string, Error> Server::listen(std::string_view url, HandlerFactory factory) {
  return impl_->listen(url, std::move(factory));
}
void Server::http(std::string_view path, HttpHandler handler) { impl_->http(path, std::move(handler)); }
void Server::use(std::unique_ptr<Middleware> link) { impl_->use(std::move(link)); }
void Server::attach(Hub& hub) { impl_->attach(hub); }
Result<void, Error> Server::run() { return impl_->run(); }
void Server::drain() { impl_->drain(); }
void Server::stop() { impl_->stop(); }
Result<void, Error> Server::reload() { return impl_->reload(); }
std::vector<ServerCertificate> Server::certificates() const { return impl_->certificates(); }

void Server::post(SessionId id, std::function<void(Session&)> task) { impl_->post(id, std::move(task)); }
void Server::post(OpeningId id, std::function<void(OpeningRequest&)> task) { impl_->post(id, std::move(task)); }
ServerStats Server::stats() const { return impl_->stats(); }
std::vector<Executor*> Server::executors() { return impl_->executors(); }
Executor* Server::executor() {
  const auto loops = executors();
  return loops.empty() ? nullptr : loops.front();
}

}  // namespace plait
