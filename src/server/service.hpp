// Service: all of `plait serve` in one object: a server, the hub on every wire, tokens, the page and the counters.
#pragma once

#include <plait/hub.hpp>
#include <plait/server.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/config.hpp"

namespace plait::server {

class TokenGate;

class Service {
 public:
  /// Checks the config and reads what it names. Binds nothing. Errors name the option and the fix.
  static Result<void, Error> check(const Config& config);
  /// The same, and binds the listeners. Errors name the option and the fix.
  static Result<std::unique_ptr<Service>, Error> make(Config config);

  ~Service();

  /// Base URLs of the listeners as really bound, in order: "ws://127.0.0.1:8800".
  [[nodiscard]] const std::vector<std::string>& urls() const { return urls_; }
  /// In development mode, a token for the person at the terminal.
  [[nodiscard]] std::optional<std::string> development_token() const;

  /// In development mode with an https: listener: the URL of the hub's WebTransport sessions, and the hash that
  /// browsers may know the certificate by.
  struct WebTransportReach {
    std::string url;
    std::string certificate_hash;
  };
  [[nodiscard]] std::optional<WebTransportReach> webtransport() const;

  /// Serves until SIGTERM or SIGINT has drained it.
  Result<void, Error> run();

 private:
  class RefusalLog;
  Service(Config config, std::unique_ptr<const TokenGate> gate);
  Result<void, Error> listen();
  void add_middleware();
  void add_endpoints();
  [[nodiscard]] std::vector<std::string> https_urls() const;
  [[nodiscard]] HubOptions hub_options();
  [[nodiscard]] Identity authenticate(const OpeningRequest& request) const;
  [[nodiscard]] HttpResponse answer_health(const HttpRequest& request) const;
  [[nodiscard]] HttpResponse answer_metrics(const HttpRequest& request, bool as_json) const;

  const Config config_;
  const std::unique_ptr<const TokenGate> gate_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  std::vector<std::string> urls_;
  const std::unique_ptr<RefusalLog> refusals_;
  Hub hub_;  // outlives the server
  Server server_;
};

}  // namespace plait::server
