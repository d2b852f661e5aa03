// Client::Impl: one loop and the sessions that it connects.
#pragma once

#include <plait/client.hpp>

#include <atomic>
#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "client/happy_eyeballs.hpp"
#include "client/quic_client.hpp"
#include "client/tcp_dial.hpp"
#include "http/uri.hpp"
#include "net/loop.hpp"
#include "net/resolver.hpp"
#include "net/socket.hpp"
#include "tls/engine.hpp"
#include "transport/loop_context.hpp"
#include "transport/tcp/tcp_connection.hpp"
#include "transport/wants.hpp"

namespace plait {

/// Of a wire that there is; the error is Client::connect()'s.
Result<http::Uri, Error> parse_connect_url(std::string_view url);

class Client::Impl {
 public:
  /// `index` is the loop's number in SessionIds. Where no file descriptor is left for the loop, it is opened when one
  /// is first needed, see open().
  explicit Impl(const ClientOptions& options, std::uint32_t index = 0);
  ~Impl();

  Result<SessionId, Error> connect(std::string_view url, std::unique_ptr<SessionHandler> handler,
                                   const ConnectOptions& options);
  Result<void, Error> get(std::string_view url, std::unique_ptr<ResponseHandler> handler,
                          const ConnectOptions& options);
  [[nodiscard]] transport::LoopContext& context() const { return *context_; }
  [[nodiscard]] const Limits& limits() const { return options_.limits; }
  void run();
  void run_once(Duration wait_max) { loop_.run_once(wait_max); }
  [[nodiscard]] bool is_idle() const { return context_->entries.size() == 0; }
  [[nodiscard]] core::Executor& executor() { return loop_; }
  /// See the constructor. Error: no file descriptor is left.
  Result<void, Error> open();
  void stop();
  void post(SessionId id, std::function<void(Session&)> task);

 private:
  struct TlsChoice {
    bool verify;
    std::string authority_file;
    std::string certificate_file;
    std::string private_key_file;
    bool framed;
    // clang-tidy 14 takes the 0 in it for a pointer.
    auto operator<=>(const TlsChoice&) const = default;  // NOLINT(modernize-use-nullptr)
  };

  Result<std::unique_ptr<tls::Engine>, Error> make_engine(const http::Uri& uri, const ConnectOptions& options);
  Result<SessionId, Error> connect_tcp(const net::Address& address, client::TcpDial::Load load, Duration timeout);
  [[nodiscard]] std::function<std::unique_ptr<transport::Protocol>(std::unique_ptr<SessionHandler>)> protocol_maker(
      const http::Uri& uri, transport::Wants wants, const ConnectOptions& options);

  ClientOptions options_;
  client::DialSettings dial_settings_;
  std::map<TlsChoice, tls::Context> tls_contexts_;
  net::Loop loop_;
  std::atomic<std::size_t> connection_count_{0};
  std::unique_ptr<transport::LoopContext> context_;
  std::unique_ptr<net::Resolver> resolver_;
  std::unique_ptr<QuicClient> quic_;
  std::atomic<bool> stopped_{false};
  bool ending_ = false;
};

/// For what is built on clients, in this layer.
struct ClientAccess {
  static std::unique_ptr<Client> make(const ClientOptions& options, std::uint32_t index) {
    return std::unique_ptr<Client>{new Client{std::make_unique<Client::Impl>(options, index)}};
  }
  static Result<void, Error> open(const Client& client) { return client.impl_->open(); }
  static transport::LoopContext& context(const Client& client) { return client.impl_->context(); }
};

}  // namespace plait
