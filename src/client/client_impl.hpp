// Client::Impl: one loop and the sessions that it connects.
#pragma once

#include <plait/client.hpp>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>

#include "client/quic_client.hpp"
#include "client/race.hpp"
#include "client/tcp_dial.hpp"
#include "http/uri.hpp"
#include "net/loop.hpp"
#include "net/resolver.hpp"
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
    bool framed;
    bool operator<(const TlsChoice& other) const {
      return std::tie(verify, authority_file, framed) < std::tie(other.verify, other.authority_file, other.framed);
    }
  };

  Result<std::unique_ptr<tls::Engine>, Error> make_engine(const http::Uri& uri, const ConnectOptions& options);
  Result<SessionId, Error> connect_tcp(const net::Address& address, client::TcpDial::Load load, Duration timeout);
  [[nodiscard]] std::function<std::unique_ptr<transport::Protocol>(std::unique_ptr<SessionHandler>)> protocol_maker(
      const http::Uri& uri, const ConnectOptions& options);

  ClientOptions options_;
  client::DialSettings dial_settings_;
  std::map<TlsChoice, tls::Context> tls_contexts_;
  std::unique_ptr<net::Loop> loop_;
  std::atomic<std::size_t> connection_count_{0};
  std::unique_ptr<transport::LoopContext> context_;
  std::unique_ptr<net::Resolver> resolver_;
  std::unique_ptr<QuicClient> quic_;
  std::atomic<bool> stopped_{false};
  bool ending_ = false;
};

}  // namespace plait
