// The middleware that comes with Plait.
#include <plait/middleware.hpp>

#include <plait/log.hpp>

#include <mutex>
#include <string>
#include <utility>

#include "http/fields.hpp"
#include "server/rate_limiter.hpp"
#include "server/session_log.hpp"

namespace plait {
namespace {

class Authenticate final : public Middleware {
 public:
  explicit Authenticate(std::function<bool(IncomingRequest&)> allow) : allow_(std::move(allow)) {}

  std::optional<HttpResponse> on_request(IncomingRequest& request) override {
    if (allow_(request)) return std::nullopt;
    return HttpResponse{.status = 401, .body = "unauthorized\n", .headers = {{"WWW-Authenticate", "Bearer"}}};
  }

 private:
  const std::function<bool(IncomingRequest&)> allow_;
};

class LimitRate final : public Middleware {
 public:
  explicit LimitRate(const RateLimitOptions& options) : limiter_(options) {}

  std::optional<HttpResponse> on_request(IncomingRequest& request) override {
    const auto network = net::network_of(request.peer());
    if (!network) return std::nullopt;
    const auto seconds = try_pass(*network);
    if (!seconds) return std::nullopt;
    const std::string wait = std::to_string(*seconds);
    return HttpResponse{
        .status = 429, .body = "too many requests: try again in " + wait + " s\n", .headers = {{"Retry-After", wait}}};
  }

 private:
  std::optional<std::uint64_t> try_pass(const net::Network& network) {
    const std::lock_guard lock{mutex_};
    return limiter_.try_pass(network, std::chrono::steady_clock::now());
  }

  std::mutex mutex_;
  server::RateLimiter limiter_;
};

class Cors final : public Middleware {
 public:
  explicit Cors(const CorsOptions& options)
      : methods_(http::encode_list(options.methods)),
        headers_(http::encode_list(options.headers)),
        max_age_(std::to_string(std::chrono::duration_cast<std::chrono::seconds>(options.max_age).count())) {}

  std::optional<HttpResponse> on_request(IncomingRequest& request) override {
    if (request.opens_session() || request.header("origin").empty()) return std::nullopt;
    if (!request.is_origin_allowed()) {
      return HttpResponse{.status = 403, .body = "this origin is not allowed\n"};
    }
    if (request.method() != "OPTIONS" || request.header("access-control-request-method").empty()) return std::nullopt;
    return HttpResponse{.status = 204,
                        .headers = {{"Access-Control-Allow-Methods", methods_},
                                    {"Access-Control-Allow-Headers", headers_},
                                    {"Access-Control-Max-Age", max_age_}}};
  }

  // Vary also where there is no Origin: a cache must not give that response to a page.
  void on_response(const IncomingRequest& request, HttpResponse& response) override {
    if (request.opens_session()) return;
    response.headers.emplace_back("Vary", "Origin");
    const std::string_view origin = request.header("origin");
    if (origin.empty() || !request.is_origin_allowed()) return;
    response.headers.emplace_back("Access-Control-Allow-Origin", origin);
  }

 private:
  const std::string methods_;
  const std::string headers_;
  const std::string max_age_;
};

class AccessLog final : public Middleware {
 public:
  std::optional<HttpResponse> on_request(IncomingRequest&) override { return std::nullopt; }

  void on_response(const IncomingRequest& request, HttpResponse& response) override {
    std::string line = request.peer();
    line.append(" ").append(request.method().empty() ? "OPEN" : server::shortened(request.method()));
    line.append(" ").append(server::shortened(request.path())).append(" ").append(std::to_string(response.status));
    line.append(server::user_field(request.user()));
    if (const ClientCertificate* certificate = request.certificate()) line.append(" ").append(certificate->subject);
    log(LogLevel::info, line);
  }
};

}  // namespace

std::unique_ptr<Middleware> authenticate(std::function<bool(IncomingRequest&)> allow) {
  return std::make_unique<Authenticate>(std::move(allow));
}
std::unique_ptr<Middleware> limit_rate(const RateLimitOptions& options) { return std::make_unique<LimitRate>(options); }
std::unique_ptr<Middleware> cors(const CorsOptions& options) { return std::make_unique<Cors>(options); }
std::unique_ptr<Middleware> access_log() { return std::make_unique<AccessLog>(); }

}  // namespace plait
