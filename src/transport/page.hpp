// PageRequest: a request that opens no session and its answer, the same over HTTP/1.1 and HTTP/3.
#pragma once

#include <plait/server.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "transport/peer.hpp"
#include "transport/router.hpp"

namespace plait::transport {

/// What was asked, the wire's subclass says.
class PageRequest : public HttpRequest {
 public:
  /// What the middleware says, the handler's response, or a refusal: 404, 405 for the path of a session, 500 for an
  /// exception.
  [[nodiscard]] HttpResponse answer();

  [[nodiscard]] std::string_view parameter(std::string_view name) const final { return match_.parameter(name); }
  [[nodiscard]] std::string peer() const final { return peer_.address; }
  [[nodiscard]] bool secure() const final { return peer_.secure; }
  [[nodiscard]] const ClientCertificate* certificate() const final {
    return peer_.certificate ? &*peer_.certificate : nullptr;
  }
  [[nodiscard]] bool is_origin_allowed() const final;
  [[nodiscard]] std::string_view user() const final { return user_; }
  void set_user(std::string_view user) final { user_ = user; }

 protected:
  /// `match` is that of the path; `router` outlives the request.
  PageRequest(const Router& router, RouteMatch match, Peer peer)
      : router_(router), match_(std::move(match)), peer_(std::move(peer)) {}

 private:
  [[nodiscard]] HttpResponse call_handler();

  const Router& router_;
  const RouteMatch match_;
  const Peer peer_;
  std::string user_;
};

/// False: a final response with `status` has no body, and none of which a length could be told, whatever its handler
/// gave (RFC 9110 §15.3.5, §15.4.5).
[[nodiscard]] constexpr bool has_length(int status) { return status != 204 && status != 304; }

/// What of its body a response has: with 205 it is empty, too, but its length is told (RFC 9110 §15.3.6).
[[nodiscard]] inline std::string_view body_of(const HttpResponse& response) {
  if (!has_length(response.status) || response.status == 205) return {};
  return response.shared_body.empty() ? std::string_view{response.body} : response.shared_body.text();
}

/// Whether the handler gave such a field; ours is left out then.
[[nodiscard]] bool has_field(const HttpResponse& response, std::string_view name);

/// 1xx is no final response (RFC 9110 §15.2); whoever waits for one would wait for ever.
[[nodiscard]] constexpr bool is_final(int status) { return status / 100 != 1; }

}  // namespace plait::transport
