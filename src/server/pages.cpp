#include "server/pages.hpp"

#include <string>

namespace plait::server {
namespace {

// 'self' in connect-src covers ws: and wss: of the same host and port (CSP Level 3 §6.7.2.8).
std::string content_security_policy(const std::vector<std::string>& connect_to) {
  std::string policy =
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; base-uri 'none'; "
      "form-action 'none'; frame-ancestors 'none'; connect-src 'self'";
  for (const std::string& origin : connect_to) policy += " " + origin;
  return policy;
}

}  // namespace

HttpResponse page_response(const HttpRequest& request, std::string_view content_type, std::string_view body) {
  HttpResponse response;
  if (request.method() != "GET" && request.method() != "HEAD") {
    response.status = 405;
    response.body = "method not allowed\n";
    response.headers = {{"Allow", "GET, HEAD"}};
    return response;
  }
  response.content_type = content_type;
  response.body = body;
  response.headers = {{"Content-Security-Policy", content_security_policy({})},
                      {"X-Content-Type-Options", "nosniff"},
                      {"Referrer-Policy", "no-referrer"},
                      {"Cache-Control", "no-cache"}};
  return response;
}

void add_pages(Server& server, const std::vector<std::string>& connect_to) {
  const auto add = [&](const char* path, const char* content_type, std::string_view file) {
    Bytes content = Bytes::copy_of(file);
    content.share_between_threads();
    server.http(path, [=, policy = content_security_policy(connect_to)](const HttpRequest& request) {
      HttpResponse response = page_response(request, content_type, {});
      if (response.status == 200) response.shared_body = content;
      for (auto& [name, value] : response.headers) {
        if (name == "Content-Security-Policy") value = policy;
      }
      return response;
    });
  };
  add("/", "text/html; charset=utf-8", kIndexHtml);
  add("/app.js", "text/javascript; charset=utf-8", kAppJs);
  add("/frames.js", "text/javascript; charset=utf-8", kFramesJs);
  add("/webtransport.js", "text/javascript; charset=utf-8", kWebTransportJs);
  add("/style.css", "text/css; charset=utf-8", kStyleCss);
}

}  // namespace plait::server
