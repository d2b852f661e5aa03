#include "transport/page.hpp"

#include <string_view>
#include <utility>
#include <vector>

#include "core/guard.hpp"
#include "transport/middleware_chain.hpp"

namespace plait::transport {
namespace {

HttpResponse call(const HttpHandler& handler, const HttpRequest& request) {
  HttpResponse response{.status = 500, .body = "internal error\n"};
  core::guarded("a handler of an HTTP request", [&] { response = handler(request); });
  return response;
}

HttpResponse answer(const RouteMatch& match, const HttpRequest& request) {
  if (match.session != nullptr) {
    return {.status = 405, .body = "this path is for sessions: connect with WebTransport or WebSocket\n"};
  }
  if (match.http == nullptr) return {.status = 404, .body = "not found\n"};
  return call(*match.http, request);
}

/// The request as middleware sees it.
class PageRequest final : public IncomingRequest {
 public:
  PageRequest(const Router& router, const HttpRequest& request, const PagePeer& peer)
      : router_(router), request_(request), peer_(peer) {}

  [[nodiscard]] bool opens_session() const override { return false; }
  [[nodiscard]] std::string_view method() const override { return request_.method; }
  [[nodiscard]] std::string_view path() const override { return request_.path; }
  [[nodiscard]] std::string_view query() const override { return request_.query; }
  [[nodiscard]] std::string_view parameter(std::string_view name) const override { return request_.parameter(name); }
  [[nodiscard]] std::string_view header(std::string_view name) const override { return request_.header(name); }
  [[nodiscard]] const std::vector<std::string_view>& subprotocols() const override { return none_; }
  [[nodiscard]] std::string peer() const override { return request_.peer; }
  [[nodiscard]] bool secure() const override { return peer_.secure; }
  [[nodiscard]] const ClientCertificate* certificate() const override {
    return peer_.certificate ? &*peer_.certificate : nullptr;
  }
  [[nodiscard]] bool is_origin_allowed() const override {
    const std::string_view origin = header("origin");
    return router_.allows_origin(origin.empty() ? std::nullopt : std::optional{origin}, header("host"), secure());
  }

 private:
  const Router& router_;
  const HttpRequest& request_;
  const PagePeer& peer_;
  const std::vector<std::string_view> none_;
};

}  // namespace

HttpResponse answer_page(const Router& router, const RouteMatch& match, const HttpRequest& request,
                         const PagePeer& peer) {
  if (router.middleware.empty()) return answer(match, request);
  const PageRequest page{router, request, peer};
  MiddlewareChain chain{router};
  auto refusal = chain.ask(page);
  HttpResponse response = refusal ? std::move(*refusal) : answer(match, request);
  chain.tell(page, response);
  return response;
}

}  // namespace plait::transport
