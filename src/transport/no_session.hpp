// NoSession: what on_close gets when a session never opened.
#pragma once

#include <plait/session.hpp>

namespace plait::transport {

class NoSession final : public Session {
 public:
  NoSession(core::Executor& executor, SessionId id) : executor_(executor), id_(id) {}
  SendStatus send(const Message&, SendOptions) override { return SendStatus::closed; }
  MessageWriter* begin_message(MessageKind) override { return nullptr; }
  void close(std::uint16_t, std::string_view) override {}
  void abort() override {}
  void pause() override {}
  void resume() override {}
  [[nodiscard]] std::size_t buffered_bytes() const override { return 0; }
  [[nodiscard]] std::optional<Duration> rtt() const override { return std::nullopt; }
  [[nodiscard]] SessionStats stats() const override { return {}; }
  [[nodiscard]] SessionId id() const override { return id_; }
  [[nodiscard]] core::Executor& executor() override { return executor_; }
  [[nodiscard]] std::string peer() const override { return {}; }
  [[nodiscard]] std::string_view subprotocol() const override { return {}; }

 private:
  core::Executor& executor_;
  SessionId id_;
};

/// Calls handler.on_close for a session that would have had this loop and ID; an exception out of it is logged.
void tell_not_opened(SessionHandler& handler, core::Executor& executor, const CloseInfo& info, SessionId id = {});

}  // namespace plait::transport
