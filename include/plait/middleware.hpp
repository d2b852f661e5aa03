// Middleware: what stands before a server's handlers, for openings of sessions on every wire and for HTTP requests.
#pragma once

#include <plait/config.hpp>
#include <plait/limits.hpp>
#include <plait/server.hpp>
#include <plait/session.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace plait {

/// One link of the chain that Server::use() makes. Called on every loop, by several at once.
class PLAIT_API Middleware {
 public:
  virtual ~Middleware() = default;
  /// An answer ends the request here: no link behind this one and no handler sees it. nullopt: it goes on. What refuses
  /// an opening has a status of 400 to 599 (another becomes 500); on wires without HTTP only status and the body's
  /// first line arrive. An exception is logged and becomes 500.
  virtual std::optional<HttpResponse> on_request(IncomingRequest& request) = 0;
  /// The response before it leaves; the links that were asked hear of it, the last first. It may be changed, but for an
  /// opening that is accepted, whose status is 101 or 200. An exception is logged.
  virtual void on_response(const IncomingRequest& /*request*/, HttpResponse& /*response*/) {}
};

/// Refuses with 401 what `allow` says false to; its exceptions become 500. It may say who asks, by set_user(), to those
/// behind it and to access_log(). Called on every loop, by several at once.
PLAIT_API std::unique_ptr<Middleware> authenticate(std::function<bool(IncomingRequest&)> allow);

struct RateLimitOptions {
  /// Requests and openings that one address may make at once; as many come back, evenly, in `window`. An IPv6 address
  /// counts by its /64. Unix sockets have no limit; with 0 nobody has one.
  std::size_t requests_max = 100;
  Duration window = std::chrono::seconds{60};
  /// Addresses that are remembered. Beyond, the one that was seen longest ago is forgotten, and may begin anew.
  std::size_t addresses_max = 10'000;
};

/// Refuses with 429 and Retry-After. One table for all loops, behind a lock that each request and opening takes (no
/// message does), because one client's connections are spread over the loops.
PLAIT_API std::unique_ptr<Middleware> limit_rate(const RateLimitOptions& options = {});

struct CorsOptions {
  /// What pages of other origins may use, and for how long browsers may remember it.
  std::vector<std::string> methods{"GET", "HEAD", "POST"};
  std::vector<std::string> headers{"Authorization", "Content-Type"};
  Duration max_age = std::chrono::minutes{10};
};

/// CORS (Fetch standard §3.2) for http() endpoints, for the origins that ServerOptions::allowed_origins lets open
/// sessions: answers preflights, names the origin in responses, refuses foreign pages with 403. Cookies are not let
/// through: use Authorization. Openings are checked without it.
PLAIT_API std::unique_ptr<Middleware> cors(const CorsOptions& options = {});

/// Logs each request and opening (LogLevel::info): peer, method, path without query, status, user if the handler has
/// named one, subject of the client's certificate. At most kLogLinesPerSecond.
PLAIT_API std::unique_ptr<Middleware> access_log();

}  // namespace plait
