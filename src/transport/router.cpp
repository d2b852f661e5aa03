#include "transport/router.hpp"

#include <algorithm>
#include <utility>

#include "http/authority.hpp"
#include "http/origin.hpp"

namespace plait::transport {

std::string_view RouteMatch::parameter(std::string_view name) const {
  const auto found = std::ranges::find(parameters, name, &PathParameters::value_type::first);
  return found == parameters.end() ? std::string_view{} : std::string_view{found->second};
}

Result<void, Error> Router::add_session(std::string_view path, HandlerFactory factory) {
  if (!factory) return err(Error{"the factory of handlers is empty"});
  return add(path, std::move(factory), nullptr);
}

Result<void, Error> Router::add_http(std::string_view path, HttpHandler handler) {
  if (!handler) return err(Error{"the handler of \"" + std::string{path} + "\" is empty"});
  return add(path, nullptr, std::move(handler));
}

Result<void, Error> Router::add(std::string_view path, HandlerFactory session, HttpHandler http) {
  const std::string what = "the path \"" + std::string{path} + "\" ";
  auto pattern = PathPattern::parse(path);
  if (!pattern) return err(Error{what + "cannot be served: " + pattern.error().message});
  const auto same = [&pattern](const Route& route) { return route.pattern.key() == pattern->key(); };
  if (exact_.contains(pattern->key()) || std::ranges::any_of(named_, same) || std::ranges::any_of(prefix_, same)) {
    return err(Error{what + "is served already on this address: give each path one handler"});
  }
  Route route{.pattern = std::move(*pattern), .session = std::move(session), .http = std::move(http)};
  switch (route.pattern.kind()) {
    case PathPattern::Kind::exact: {
      std::string key = route.pattern.key();
      exact_.emplace(std::move(key), std::move(route));
      break;
    }
    case PathPattern::Kind::named:
      named_.push_back(std::move(route));
      break;
    case PathPattern::Kind::prefix:
      prefix_.push_back(std::move(route));
      std::ranges::stable_sort(prefix_, std::greater{}, [](const Route& one) { return one.pattern.prefix_bytes(); });
      break;
  }
  return {};
}

RouteMatch Router::find(std::string_view path) const {
  if (const auto found = exact_.find(path); found != exact_.end()) return match_of(found->second);
  PathParameters parameters;
  for (const std::vector<Route>* routes : {&named_, &prefix_}) {
    for (const Route& route : *routes) {
      if (!route.pattern.match(path, parameters)) continue;
      RouteMatch match = match_of(route);
      match.parameters = std::move(parameters);
      return match;
    }
  }
  return {};
}

bool Router::allows_origin(std::optional<std::string_view> origin, std::string_view host, bool secure) const {
  if (!origin) return true;
  if (std::ranges::any_of(allowed_origins, [&](const std::string& one) { return one == "*" || one == *origin; })) {
    return true;
  }
  const auto parsed = http::parse_origin(*origin);
  if (!parsed) return false;
  if (std::ranges::any_of(allowed_origins, [&](const std::string& one) { return http::matches_glob(*origin, one); })) {
    return true;
  }
  return http::is_same_origin(*parsed, host, secure) || is_own_page(*parsed, host);
}

bool Router::is_own_page(const http::Origin& origin, std::string_view host) const {
  const auto authority = http::parse_authority(host);
  return authority && std::ranges::any_of(page_origins, [&](const PageOrigin& page) {
           return http::is_same_origin(origin, {page.secure ? "https" : "http", authority->host, page.port});
         });
}

}  // namespace plait::transport
