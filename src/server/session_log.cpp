#include "server/session_log.hpp"

#include <plait/log.hpp>

#include <array>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace plait::server {
namespace {

std::string seconds_text(std::chrono::duration<double> time) {
  std::array<char, 32> text{};
  const int size = std::snprintf(text.data(), text.size(), "%.3f", time.count());
  return {text.data(), static_cast<std::size_t>(size)};
}

class LoggedHandler final : public SessionHandler {
 public:
  explicit LoggedHandler(std::unique_ptr<SessionHandler> inner) : inner_(std::move(inner)) {}

  void on_request(OpeningRequest& request) override {
    inner_->on_request(request);
    path_ = request.path();
    user_ = request.user();
  }
  void on_open(Session& session) override {
    opened_ = std::chrono::steady_clock::now();
    inner_->on_open(session);
  }
  void on_message(Session& session, const Message& message) override { inner_->on_message(session, message); }
  [[nodiscard]] bool wants_parts() const override { return inner_->wants_parts(); }
  void on_message_part(Session& session, const Message& part, bool last) override {
    inner_->on_message_part(session, part, last);
  }
  [[nodiscard]] bool wants_streams() const override { return inner_->wants_streams(); }
  std::unique_ptr<StreamHandler> on_stream(Session& session, Stream& stream) override {
    return inner_->on_stream(session, stream);
  }
  void on_streams_available(Session& session, StreamDirection direction) override {
    inner_->on_streams_available(session, direction);
  }
  void on_datagram(Session& session, ByteView data) override { inner_->on_datagram(session, data); }
  void on_datagram_fate(Session& session, DatagramId id, DatagramFate fate) override {
    inner_->on_datagram_fate(session, id, fate);
  }
  void on_writable(Session& session) override { inner_->on_writable(session); }
  void on_close(Session& session, const CloseInfo& info) override {
    if (opened_) tell(session, info);
    inner_->on_close(session, info);
  }

 private:
  void tell(const Session& session, const CloseInfo& info) const {
    const SessionStats stats = session.stats();
    std::string line = session.peer();
    line.append(" END ").append(path_).append(" ").append(std::to_string(info.code)).append(user_field(user_));
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

std::string user_field(std::string_view user) {
  if (user.empty()) return {};
  std::string field = " user=\"";
  for (const char c : user) {
    if (c == '"' || c == '\\') field += '\\';
    field += c;
  }
  return field += '"';
}

}  // namespace plait::server
