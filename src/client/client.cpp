#include <plait/client.hpp>

#include <utility>

#include "client/client_impl.hpp"
#include "client/gathered_response.hpp"

namespace plait {

Client::Client(ClientOptions options) : impl_(std::make_unique<Impl>(options)) {}
Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::~Client() = default;

Result<SessionId, Error> Client::connect(std::string_view url, std::unique_ptr<SessionHandler> handler,
                                         const ConnectOptions& options) {
  return impl_->connect(url, std::move(handler), options);
}
Result<void, Error> Client::get(std::string_view url, std::unique_ptr<ResponseHandler> handler,
                                const ConnectOptions& options) {
  return impl_->get(url, std::move(handler), options);
}
Result<void, Error> Client::get(std::string_view url, std::function<void(const Result<Response, Error>&)> done,
                                const ConnectOptions& options) {
  auto handler = done ? client::gather_response(impl_->limits().message_bytes_max, std::move(done)) : nullptr;
  return impl_->get(url, std::move(handler), options);
}
void Client::run() { impl_->run(); }
void Client::run_once(Duration wait_max) { impl_->run_once(wait_max); }
bool Client::is_idle() const { return impl_->is_idle(); }
Executor& Client::executor() { return impl_->executor(); }
void Client::stop() { impl_->stop(); }
void Client::post(SessionId id, std::function<void(Session&)> task) { impl_->post(id, std::move(task)); }

}  // namespace plait
