#include "server/development.hpp"

#include "codec/json_writer.hpp"
#include "http/origin.hpp"
#include "server/config.hpp"
#include "server/loopback.hpp"
#include "server/pages.hpp"

namespace plait::server {
namespace {

std::string make_token(const crypto::JwtKey& key, const char* user) {
  return issue_token(key, {.user = user, .lifetime = kDevelopmentTokenLifetime, .claims = {}},
                     std::chrono::system_clock::now());
}

bool is_from_own_page(const HttpRequest& request) {
  if (const auto site = request.header("Sec-Fetch-Site"); !site.empty() && site != "same-origin" && site != "none") {
    return false;
  }
  const std::string_view text = request.header("Origin");
  if (text.empty()) return true;
  const auto origin = http::parse_origin(text);
  return origin && http::is_same_origin(*origin, request.header("Host"), origin->scheme == "https");
}

}  // namespace

std::string development_token(const crypto::JwtKey& key) { return make_token(key, "developer"); }

HttpResponse answer_token_request(const HttpRequest& request, const crypto::JwtKey& key) {
  const bool is_local = request.peer == "unix" || is_loopback_host_field(request.peer);
  if (!is_local || !is_loopback_host_field(request.header("Host")) || !is_from_own_page(request)) {
    HttpResponse refused = page_response(request, "text/plain; charset=utf-8", "only for pages of this server\n");
    refused.status = 403;
    return refused;
  }
  const std::string token = make_token(key, "page");
  std::string body;
  codec::JsonWriter{body}.begin_object().member("token", token).end_object();
  HttpResponse response = page_response(request, "application/json", body);
  for (auto& [name, value] : response.headers) {
    if (name == "Cache-Control") value = "no-store";  // RFC 9111 §5.2.2.5: a token must not be kept anywhere
  }
  response.headers.emplace_back("Set-Cookie",
                                "access_token=" + token + "; Path=" + std::string{kHubPath} + "; SameSite=Strict");
  return response;
}

}  // namespace plait::server
