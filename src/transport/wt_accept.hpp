// WtAccept: the server's side of one WebTransport opening handshake, from the CONNECT request to a handler or a
// refusal.
#pragma once

#include <plait/session.hpp>

#include <memory>
#include <string>
#include <vector>

#include "transport/http_exchange.hpp"
#include "transport/router.hpp"

namespace plait::transport {

class WtAccept final : public OpeningRequest {
 public:
  /// All outlive the handshake.
  WtAccept(const HttpExchange& request, const Router& router, std::string peer);

  /// Checks the request and asks the handler. Null: refused, with status() and reason().
  std::unique_ptr<SessionHandler> run();
  [[nodiscard]] int status() const { return status_; }
  [[nodiscard]] const std::string& reason() const { return reason_; }
  /// The fields of the 200 response; views into this object.
  [[nodiscard]] std::vector<http::Field> response_fields() const;
  [[nodiscard]] const std::string& accepted_subprotocol() const { return subprotocol_; }

  [[nodiscard]] std::string_view path() const override { return request_.path(); }
  [[nodiscard]] std::string_view query() const override { return request_.query(); }
  [[nodiscard]] std::string_view header(std::string_view name) const override {
    return request_.field(name).value_or(std::string_view{});
  }
  [[nodiscard]] const std::vector<std::string_view>& subprotocols() const override { return offered_; }
  [[nodiscard]] std::string peer() const override { return peer_; }
  [[nodiscard]] bool secure() const override { return true; }
  void accept(std::string_view subprotocol) override;
  void reject(int status, std::string_view reason) override;

 private:
  std::unique_ptr<SessionHandler> ask(const HandlerFactory& factory);

  const HttpExchange& request_;
  const Router& router_;
  const std::string peer_;
  std::vector<std::string> offered_texts_;
  std::vector<std::string_view> offered_;
  std::string subprotocol_;
  std::string protocol_field_;
  bool accepted_ = false;
  int status_ = 0;
  std::string reason_;
};

}  // namespace plait::transport
