// StillSession: a session without a wire, which takes nothing and tells nothing; a test overrides what it looks at.
#pragma once

#include <plait/session.hpp>

#include <optional>
#include <string>
#include <string_view>

#include "support/fake_executor.hpp"

namespace plait::test {

class StillSession : public Session {
 public:
  explicit StillSession(SessionId id = {}) : id_(id) {}

  SendStatus send(const Message&, SendOptions) override { return SendStatus::dropped; }
  MessageWriter* begin_message(MessageKind) override { return nullptr; }
  void close(std::uint32_t, std::string_view) override {}
  void abort() override {}
  void pause() override {}
  void resume() override {}
  [[nodiscard]] std::size_t buffered_bytes() const override { return 0; }
  [[nodiscard]] std::optional<Duration> rtt() const override { return std::nullopt; }
  [[nodiscard]] SessionStats stats() const override { return {}; }
  [[nodiscard]] SessionId id() const override { return id_; }
  [[nodiscard]] core::Executor& executor() override { return executor_; }
  [[nodiscard]] std::string peer() const override { return "fake"; }
  [[nodiscard]] std::string_view subprotocol() const override { return {}; }

 private:
  SessionId id_;
  FakeExecutor executor_;
};

}  // namespace plait::test
