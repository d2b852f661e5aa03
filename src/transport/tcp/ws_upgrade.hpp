// WsUpgrade: the server's side of one opening handshake (RFC 6455 §4.2), from the request's head to a session or a
// refusal.
#pragma once

#include <plait/server.hpp>
#include <plait/session.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/request.hpp"
#include "transport/opening.hpp"
#include "transport/tcp/tcp_connection.hpp"
#include "ws/handshake.hpp"
#include "ws/permessage_deflate.hpp"

namespace plait::transport {

class WsUpgrade final : public Opening {
 public:
  /// `connection` outlives the handshake; `head`, whose text is `head_bytes`, lasts until run() has returned.
  WsUpgrade(TcpConnection& connection, const Router& router, Owner& owner, const http::RequestHead& head,
            ByteView head_bytes);

  /// Appends the 101 response; the session that goes on. Once it is accepted.
  std::unique_ptr<Protocol> make_session();
  [[nodiscard]] bool keep_alive() const { return head_->keep_alive; }

  [[nodiscard]] std::string_view method() const override { return head_->method; }
  [[nodiscard]] std::string_view path() const override { return head_->path; }
  [[nodiscard]] std::string_view query() const override { return head_->query; }
  [[nodiscard]] std::string_view header(std::string_view name) const override {
    return head_->fields.find(name).value_or(std::string_view{});
  }
  [[nodiscard]] const std::vector<std::string_view>& subprotocols() const override { return offered_; }
  [[nodiscard]] std::string peer() const override { return connection_.peer(); }
  [[nodiscard]] bool secure() const override { return connection_.secure(); }

 private:
  [[nodiscard]] std::optional<std::string_view> origin() const override { return head_->fields.find("Origin"); }
  [[nodiscard]] std::optional<HttpResponse> check() override;
  void own() override;
  [[nodiscard]] int accepted_status() const override { return 101; }

  Result<void, ws::HandshakeError> read_fields();
  void append_response();

  TcpConnection& connection_;
  const http::RequestHead* head_;
  ByteView head_bytes_;
  std::string own_text_;  // of a deferred one
  std::optional<http::RequestHead> own_head_;
  ws::HandshakeFields fields_;
  std::vector<std::string_view> offered_;
  std::optional<ws::DeflateAgreement> deflate_;
  Result<void, ws::HandshakeError> checked_;  // the last: made by reading into those above
};

}  // namespace plait::transport
