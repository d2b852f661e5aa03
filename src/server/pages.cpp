#include "server/pages.hpp"

#include <string>

namespace plait::server {
namespace {

// 'self' in connect-src covers ws: and wss: of the same host and port (CSP Level 3 §6.7.2.8).
constexpr const char* kContentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

}  // namespace

HttpResponse page_response(const HttpRequest& request, std::string_view content_type, std::string_view body) {
  HttpResponse response;
  if (request.method != "GET" && request.method != "HEAD") {
    response.status = 405;
    response.body = "method not allowed\n";
    response.headers = {{"Allow", "GET, HEAD"}};
    return response;
  }
  response.content_type = content_type;
  response.body = body;
  response.headers = {{"Content-Security-Policy", kContentSecurityPolicy},
                      {"X-Content-Type-Options", "nosniff"},
                      {"Referrer-Policy", "no-referrer"},
                      {"Cache-Control", "no-cache"}};
  return response;
}

void add_pages(Server& server) {
  const auto add = [&server](const char* path, const char* content_type, std::string_view body) {
    server.http(path, [=](const HttpRequest& request) { return page_response(request, content_type, body); });
  };
  add("/", "text/html; charset=utf-8", kIndexHtml);
  add("/app.js", "text/javascript; charset=utf-8", kAppJs);
  add("/style.css", "text/css; charset=utf-8", kStyleCss);
}

}  // namespace plait::server
