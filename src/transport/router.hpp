// Router: what a server answers under which path. Filled before the loops start, then only read, by all of them.
#pragma once

#include <plait/server.hpp>
#include <plait/session.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/origin.hpp"
#include "http/request.hpp"

namespace plait::transport {

class Router {
 public:
  void add_session(std::string path, HandlerFactory factory);
  /// A path that ends in "*" matches every path with that beginning; exact paths come first.
  void add_http(std::string path, HttpHandler handler);

  /// Null when nothing is there.
  [[nodiscard]] const HandlerFactory* find_session(std::string_view path) const;
  [[nodiscard]] const HttpHandler* find_http(std::string_view path) const;

  /// Whether a session may be opened by a page of this Origin (none: by no page). Browsers name the page's origin, and
  /// nothing else stops a foreign page from using its visitor's cookies here (RFC 6455 §10.2). `host` is that of the
  /// request. Logs what it refuses.
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
  /// permessage-deflate is accepted when offered.
  bool deflate = false;

 private:
  [[nodiscard]] bool is_own_page(const http::Origin& origin, std::string_view host) const;

  template <class Target>
  struct Route {
    std::string path;
    Target target;
  };
  std::vector<Route<HandlerFactory>> sessions_;
  std::vector<Route<HttpHandler>> http_;
};

}  // namespace plait::transport
