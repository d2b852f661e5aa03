#include "server/development.hpp"

#include <plait/hub.hpp>

#include "codec/json_writer.hpp"
#include "core/hex.hpp"
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

bool may_know(const HttpRequest& request) {
  const std::string peer = request.peer();
  const bool is_local = peer == "unix" || is_loopback_host_field(peer);
  return is_local && is_loopback_host_field(request.header("Host")) && is_from_own_page(request);
}

HttpResponse refusal(const HttpRequest& request) {
  HttpResponse refused =
      page_response(request, "text/plain; charset=utf-8",
                    "only for pages of this server that are opened as localhost, 127.0.0.1 or [::1]\n");
  refused.status = 403;
  return refused;
}

// RFC 9111 §5.2.2.5: what must not be kept anywhere.
HttpResponse fresh_response(const HttpRequest& request, std::string_view body) {
  HttpResponse response = page_response(request, "application/json", body);
  for (auto& [name, value] : response.headers) {
    if (name == "Cache-Control") value = "no-store";
  }
  return response;
}

}  // namespace

std::string development_token(const crypto::JwtKey& key) { return make_token(key, "developer"); }

HttpResponse answer_token_request(const HttpRequest& request, const crypto::JwtKey& key) {
  if (!may_know(request)) return refusal(request);
  const std::string token = make_token(key, "page");
  std::string body;
  codec::JsonWriter{body}.begin_object().member("token", token).end_object();
  HttpResponse response = fresh_response(request, body);
  if (response.status != 200) return response;
  response.headers.emplace_back("Set-Cookie",
                                "access_token=" + token + "; Path=" + std::string{kHubPath} + "; SameSite=Strict");
  return response;
}

HttpResponse answer_certificate_request(const HttpRequest& request, std::string_view url,
                                        const std::vector<ServerCertificate>& certificates) {
  if (!may_know(request)) return refusal(request);
  std::string body;
  codec::JsonWriter json{body};
  json.begin_object().member("url", url).key("certificates").begin_array();
  for (const ServerCertificate& certificate : certificates) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(certificate.not_after).time_since_epoch().count();
    json.begin_object().member("algorithm", "sha-256").member("hash", hash_text(certificate));
    json.member("not_after", static_cast<std::int64_t>(seconds)).end_object();
  }
  json.end_array().end_object();
  return fresh_response(request, body);
}

std::string hash_text(const ServerCertificate& certificate) { return core::hex(certificate.sha256); }

}  // namespace plait::server
