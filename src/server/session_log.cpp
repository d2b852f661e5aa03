#include "server/session_log.hpp"

#include <plait/log.hpp>

#include <array>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "codec/utf8.hpp"
#include "transport/handler_proxy.hpp"

namespace plait::server {
namespace {

std::string seconds_text(std::chrono::duration<double> time) {
  std::array<char, 32> text{};
  const int size = std::snprintf(text.data(), text.size(), "%.3f", time.count());
  return {text.data(), static_cast<std::size_t>(size)};
}

class LoggedHandler final : public transport::HandlerProxy {
 public:
  explicit LoggedHandler(std::unique_ptr<SessionHandler> inner) : HandlerProxy(*inner), inner_(std::move(inner)) {}

  void on_request(OpeningRequest& request) override {
    inner_->on_request(request);
    path_ = request.path();
    user_ = request.user();
  }
  void on_open(Session& session) override {
    opened_ = std::chrono::steady_clock::now();
    HandlerProxy::on_open(session);
  }
  void on_close(Session& session, const CloseInfo& info) override {
    if (opened_) tell(session, info);
    HandlerProxy::on_close(session, info);
  }

 private:
  void tell(const Session& session, const CloseInfo& info) const {
    const SessionStats stats = session.stats();
    std::string line = session.peer();
    line.append(" END ").append(shortened(path_)).append(" ").append(std::to_string(info.code));
    line.append(user_field(user_));
    line.append(" seconds=").append(seconds_text(std::chrono::steady_clock::now() - *opened_));
    line.append(" in=").append(std::to_string(stats.bytes_received));
    line.append(" out=").append(std::to_string(stats.bytes_sent));
    log(LogLevel::info, line);
  }

  const std::unique_ptr<SessionHandler> inner_;
  std::string path_;
  std::string user_;
  std::optional<std::chrono::steady_clock::time_point> opened_;
};

}  // namespace

HandlerFactory log_ends(HandlerFactory factory) {
  return [factory = std::move(factory)]() -> std::unique_ptr<SessionHandler> {
    auto inner = factory();
    if (inner == nullptr) return nullptr;
    return std::make_unique<LoggedHandler>(std::move(inner));
  };
}

std::string shortened(std::string_view text) {
  constexpr std::size_t kBytesMax = 256;
  if (text.size() <= kBytesMax) return std::string{text};
  return std::string{as_text(codec::utf8_prefix(as_bytes(text), kBytesMax))} + "…";
}

std::string user_field(std::string_view user) {
  if (user.empty()) return {};
  std::string field = " user=\"";
  for (const char c : shortened(user)) {
    if (c == '"' || c == '\\') field += '\\';
    field += c;
  }
  return field += '"';
}

}  // namespace plait::server
