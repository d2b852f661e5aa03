#include "transport/router.hpp"

#include <plait/log.hpp>

#include <algorithm>
#include <utility>

#include "http/authority.hpp"
#include "http/origin.hpp"

namespace plait::transport {

void Router::add_session(std::string path, HandlerFactory factory) {
  sessions_.push_back({std::move(path), std::move(factory)});
}

void Router::add_http(std::string path, HttpHandler handler) { http_.push_back({std::move(path), std::move(handler)}); }

const HandlerFactory* Router::find_session(std::string_view path) const {
  for (const auto& route : sessions_) {
    if (route.path == path) return &route.target;
  }
  return nullptr;
}

const HttpHandler* Router::find_http(std::string_view path) const {
  const HttpHandler* prefix_match = nullptr;
  std::size_t prefix_size = 0;
  for (const auto& route : http_) {
    if (route.path == path) return &route.target;
    if (!route.path.ends_with('*')) continue;
    const std::string_view prefix = std::string_view{route.path}.substr(0, route.path.size() - 1);
    if (!path.starts_with(prefix) || (prefix_match != nullptr && prefix.size() < prefix_size)) continue;
    prefix_match = &route.target;
    prefix_size = prefix.size();
  }
  return prefix_match;
}

bool Router::allows_origin(std::optional<std::string_view> origin, std::string_view host, bool secure) const {
  if (!origin) return true;
  if (std::ranges::any_of(allowed_origins, [&](const std::string& one) { return one == "*" || one == *origin; })) {
    return true;
  }
  const auto parsed = http::parse_origin(*origin);
  if (parsed && (http::is_same_origin(*parsed, host, secure) || is_own_page(*parsed, host))) return true;
  log(LogLevel::warning, "refused a session from origin " + std::string{*origin} + ": it is not in allowed_origins");
  return false;
}

bool Router::is_own_page(const http::Origin& origin, std::string_view host) const {
  const auto authority = http::parse_authority(host);
  return authority && std::ranges::any_of(page_origins, [&](const PageOrigin& page) {
           return http::is_same_origin(origin, {page.secure ? "https" : "http", authority->host, page.port});
         });
}

}  // namespace plait::transport
