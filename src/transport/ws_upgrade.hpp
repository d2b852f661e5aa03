// WsUpgrade: the server's side of one opening handshake (RFC 6455 §4.2), from the request's head to a session or a
// refusal.
#pragma once

#include <plait/server.hpp>
#include <plait/session.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http/request.hpp"
#include "transport/router.hpp"
#include "transport/tcp_connection.hpp"

namespace plait::transport {

class WsUpgrade final : public OpeningRequest {
 public:
  /// All arguments outlive the handshake.
  WsUpgrade(TcpConnection& connection, const Router& router, const http::RequestHead& head)
      : connection_(connection), router_(router), head_(head) {}

  /// Checks the request, asks the handler, and appends the 101 response. Null: refused, see refusal().
  std::unique_ptr<Protocol> run(const HandlerFactory& factory);
  [[nodiscard]] const HttpResponse& refusal() const { return refusal_; }

  [[nodiscard]] std::string_view path() const override { return head_.path; }
  [[nodiscard]] std::string_view query() const override { return head_.query; }
  [[nodiscard]] std::string_view header(std::string_view name) const override {
    return head_.fields.find(name).value_or(std::string_view{});
  }
  [[nodiscard]] const std::vector<std::string_view>& subprotocols() const override { return offered_; }
  [[nodiscard]] std::string peer() const override { return connection_.peer(); }
  [[nodiscard]] bool secure() const override { return connection_.secure(); }
  void accept(std::string_view subprotocol) override;
  void reject(int status, std::string_view reason) override;

 private:
  bool check_request();
  bool check_origin();
  bool ask_handler(SessionHandler& handler);
  std::unique_ptr<Protocol> make_session(std::unique_ptr<SessionHandler> handler);

  TcpConnection& connection_;
  const Router& router_;
  const http::RequestHead& head_;
  std::vector<std::string_view> offered_;
  std::string_view accepted_subprotocol_;
  bool accepted_ = false;
  HttpResponse refusal_;
};

}  // namespace plait::transport
