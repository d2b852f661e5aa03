#include "transport/frame_opening.hpp"

#include <plait/log.hpp>

#include <exception>
#include <utility>

namespace plait::transport {
namespace {

/// The open frame as the handler's on_request sees it.
class FrameOpening final : public OpeningRequest {
 public:
  FrameOpening(const frames::OpenRequest& request, const Session& session, bool secure)
      : request_(request), session_(session), secure_(secure), authorization_("Bearer " + std::string{request.token}) {
    const std::size_t question = request.path.find('?');
    path_ = request.path.substr(0, question);
    if (question != std::string_view::npos) query_ = request.path.substr(question + 1);
  }

  [[nodiscard]] std::string_view path() const override { return path_; }
  [[nodiscard]] std::string_view query() const override { return query_; }
  [[nodiscard]] std::string_view header(std::string_view name) const override {
    if (http::equals_ignoring_case(name, "host")) return request_.authority;
    if (http::equals_ignoring_case(name, "authorization") && !request_.token.empty()) return authorization_;
    return {};
  }
  [[nodiscard]] const std::vector<std::string_view>& subprotocols() const override { return request_.subprotocols; }
  [[nodiscard]] std::string peer() const override { return session_.peer(); }
  [[nodiscard]] bool secure() const override { return secure_; }
  void accept(std::string_view subprotocol) override {
    accepted_ = true;
    answer_ = {{}, frames::kStatusAccepted, std::string{subprotocol}};
  }
  void reject(int status, std::string_view reason) override {
    accepted_ = false;
    answer_ = FrameAnswer::refusal(static_cast<std::uint16_t>(status), reason.substr(0, frames::kReasonBytesMax));
  }

  FrameAnswer ask(const HandlerFactory& factory);

 private:
  std::unique_ptr<SessionHandler> call(const HandlerFactory& factory);

  const frames::OpenRequest& request_;
  const Session& session_;
  const bool secure_;
  const std::string authorization_;
  std::string_view path_;
  std::string_view query_;
  bool accepted_ = false;
  FrameAnswer answer_;
};

FrameAnswer FrameOpening::ask(const HandlerFactory& factory) {
  reject(403, "the handler did not accept the session");
  std::unique_ptr<SessionHandler> handler = call(factory);
  if (accepted_) answer_.handler = std::move(handler);
  return std::move(answer_);
}

std::unique_ptr<SessionHandler> FrameOpening::call(const HandlerFactory& factory) {
  const auto fail_for = [this](const char* what) {
    log(LogLevel::error, std::string{"a session handler threw in on_request: "} + what);
    reject(500, "internal error");
  };
  try {
    std::unique_ptr<SessionHandler> handler = factory();
    handler->on_request(*this);
    return handler;
  } catch (const std::exception& exception) {
    fail_for(exception.what());
  } catch (...) {
    fail_for("something that is not a std::exception");
  }
  return nullptr;
}

}  // namespace

bool encode_request(const FrameRequest& request, const Limits& limits, core::ByteSink& out) {
  frames::OpenRequest open{.path = request.path, .authority = request.authority, .token = request.token};
  open.subprotocols.assign(request.subprotocols.begin(), request.subprotocols.end());
  if (!frames::check_request(open, limits)) return false;
  frames::encode_open(open, out);
  return true;
}

std::string describe_refusal(const frames::OpenResponse& response) {
  return "refused with status " + std::to_string(response.status) + ": " + std::string{response.reason};
}

void FrameAnswer::encode(core::ByteSink& out) const {
  if (handler != nullptr) return frames::encode_open(frames::OpenResponse{.subprotocol = text}, out);
  frames::encode_open(frames::OpenResponse{.status = status, .reason = text}, out);
}

FrameAnswer answer_open(ByteView payload, const Router& router, const Limits& limits, const Session& session,
                        bool secure) {
  const auto request = frames::decode_open_request(payload, limits);
  if (!request) return FrameAnswer::refusal(400, frames::name_of(request.error()));
  FrameOpening opening{*request, session, secure};
  const HandlerFactory* factory = router.find_session(opening.path());
  if (factory == nullptr) return FrameAnswer::refusal(404, "nothing is served at this path");
  return opening.ask(*factory);
}

}  // namespace plait::transport
