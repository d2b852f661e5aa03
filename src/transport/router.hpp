// Router: what a server answers under which path. Filled before the loops start, then only read, by all of them.
#pragma once

#include <plait/server.hpp>
#include <plait/session.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

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

  /// Origins that browsers may connect from; see ServerOptions::allowed_origins.
  std::vector<std::string> allowed_origins;
  /// permessage-deflate is accepted when offered.
  bool deflate = false;

 private:
  template <class Target>
  struct Route {
    std::string path;
    Target target;
  };
  std::vector<Route<HandlerFactory>> sessions_;
  std::vector<Route<HttpHandler>> http_;
};

}  // namespace plait::transport
