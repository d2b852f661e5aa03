// WtAccept: the server's side of one WebTransport opening handshake, from the CONNECT request to a handler or a
// refusal.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "h3/streams.hpp"
#include "transport/h3/http_exchange.hpp"
#include "transport/opening.hpp"

namespace plait::transport {

class WtAccept final : public Opening {
 public:
  WtAccept(LoopContext& context, const Router& router, Owner& owner, h3::StreamId id, HttpExchange request,
           std::string peer, std::optional<ClientCertificate> certificate);

  /// Of the CONNECT.
  [[nodiscard]] h3::StreamId id() const { return id_; }
  /// The fields of the 200 response, once it is accepted; views into this object.
  [[nodiscard]] std::vector<http::Field> response_fields();

  [[nodiscard]] std::string_view method() const override { return "CONNECT"; }
  [[nodiscard]] std::string_view path() const override { return request_.path(); }
  [[nodiscard]] std::string_view query() const override { return request_.query(); }
  [[nodiscard]] std::string_view header(std::string_view name) const override {
    return request_.field(name).value_or(std::string_view{});
  }
  [[nodiscard]] const std::vector<std::string_view>& subprotocols() const override { return offered_; }
  [[nodiscard]] std::string peer() const override { return peer_; }
  [[nodiscard]] bool secure() const override { return true; }

 private:
  [[nodiscard]] std::optional<std::string_view> origin() const override { return request_.field("origin"); }
  [[nodiscard]] std::optional<HttpResponse> check() override;
  void own() override {}  // the request is its own

  const h3::StreamId id_;
  const HttpExchange request_;
  const std::string peer_;
  const std::optional<std::vector<std::string>> offered_texts_;  // none: too many
  std::vector<std::string_view> offered_;
  std::string protocol_field_;
};

}  // namespace plait::transport
