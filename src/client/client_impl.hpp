// Client::Impl: one loop and the sessions that it connects.
#pragma once

#include <plait/client.hpp>

#include <atomic>
#include <compare>
#include <map>
#include <memory>
#include <string>

#include "client/quic_client.hpp"
#include "http/uri.hpp"
#include "net/loop.hpp"
#include "net/socket.hpp"
#include "tls/engine.hpp"
#include "transport/loop_context.hpp"
#include "transport/tcp_connection.hpp"

namespace plait {

class Client::Impl {
 public:
  explicit Impl(const ClientOptions& options);
  ~Impl();

  Result<SessionId, Error> connect(std::string_view url, std::unique_ptr<SessionHandler> handler,
                                   const ConnectOptions& options);
  void run();
  void run_once(Duration wait_max) { loop_->run_once(wait_max); }
  [[nodiscard]] bool is_idle() const { return context_->connections.size() == 0; }
  void stop();
  void post(SessionId id, std::function<void(Session&)> task);

 private:
  struct TlsChoice {
    bool verify;
    std::string authority_file;
    std::string certificate_file;
    std::string private_key_file;
    bool framed;
    auto operator<=>(const TlsChoice&) const = default;
  };

  Result<std::unique_ptr<tls::Engine>, Error> make_engine(const http::Uri& uri, const ConnectOptions& options);
  std::unique_ptr<transport::Protocol> make_protocol(const http::Uri& uri, std::unique_ptr<SessionHandler> handler,
                                                     const ConnectOptions& options);

  ClientOptions options_;
  std::map<TlsChoice, tls::Context> tls_contexts_;
  std::unique_ptr<net::Loop> loop_;
  std::atomic<std::size_t> connection_count_{0};
  std::unique_ptr<transport::LoopContext> context_;
  std::unique_ptr<QuicClient> quic_;
  std::atomic<bool> stopped_{false};
  bool ending_ = false;
};

}  // namespace plait
