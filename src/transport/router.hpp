// Router: what a server answers under which path. Filled before the loops start, then only read, by all of them.
#pragma once

#include <plait/server.hpp>
#include <plait/session.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/origin.hpp"
#include "transport/path_pattern.hpp"

namespace plait::transport {

/// What a path leads to. Pointers and names last as long as the router.
struct RouteMatch {
  const HandlerFactory* session = nullptr;
  const HttpHandler* http = nullptr;  ///< both null: nothing is there
  PathParameters parameters{};

  /// Empty if there is none of that name.
  [[nodiscard]] std::string_view parameter(std::string_view name) const;
};

class Router {
 public:
  /// `path` is exact or a pattern, see Server::listen. Errors: what is wrong with it, that it is taken, or
  /// that there is no handler.
  Result<void, Error> add_session(std::string_view path, HandlerFactory factory);
  Result<void, Error> add_http(std::string_view path, HttpHandler handler);

  /// `path` without the query, as it was sent.
  [[nodiscard]] RouteMatch find(std::string_view path) const;

  /// Whether a session may be opened by a page of this Origin (none: by no page). Browsers name the page's origin, and
  /// nothing else stops a foreign page from using its visitor's cookies here (RFC 6455 §10.2). `host` is that of the
  /// request.
  [[nodiscard]] bool allows_origin(std::optional<std::string_view> origin, std::string_view host, bool secure) const;

  /// Origins that browsers may connect from; see ServerOptions::allowed_origins.
  std::vector<std::string> allowed_origins;
  /// Where else on the same host this server has pages, which may open sessions here, too.
  struct PageOrigin {
    bool secure = false;
    std::uint16_t port = 0;
  };
  std::vector<PageOrigin> page_origins;
  /// Alt-Svc (RFC 7838) of all responses; empty: none.
  std::string alternative_service;
  /// What every opening and request passes, in order.
  std::vector<Middleware*> middleware;
  /// permessage-deflate is accepted when offered.
  bool deflate = false;

 private:
  [[nodiscard]] bool is_own_page(const http::Origin& origin, std::string_view host) const;

  struct Route {
    PathPattern pattern;
    HandlerFactory session;
    HttpHandler http;  // one of the two
  };
  Result<void, Error> add(std::string_view path, HandlerFactory session, HttpHandler http);
  static RouteMatch match_of(const Route& route) {
    return {.session = route.session ? &route.session : nullptr, .http = route.http ? &route.http : nullptr};
  }

  std::map<std::string, Route, std::less<>> exact_;
  std::vector<Route> named_;   // in the order of their registration
  std::vector<Route> prefix_;  // the longest first
};

}  // namespace plait::transport
