// A hub on loops that turn by hand, and sessions that write down what they are sent.
#pragma once

#include <plait/hub.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "codec/json.hpp"
#include "hub/engine.hpp"
#include "hub/handler.hpp"
#include "support/still_session.hpp"

namespace plait::hub::test {

using plait::test::FakeExecutor;

/// A message as it was received, parsed.
struct Received {
  std::string text;
  std::string type;
  std::string data;  ///< payload as JSON
  std::string cid;
  std::string topic;  ///< of a publication
  Position position;  ///< of a publication
};
Received parse(std::string_view text);

class FakeSession final : public plait::test::StillSession {
 public:
  explicit FakeSession(std::uint32_t loop) : StillSession({loop, 0, 0}) {}

  SendStatus send(const Message& message, SendOptions) override;
  void close(std::uint32_t code, std::string_view reason) override;
  void abort() override { close_code = close_code::kAbnormal; }
  void pause() override { paused = true; }
  void resume() override {
    paused = false;
    if (on_resume) on_resume();
  }

  /// What has come since the last call.
  std::vector<Received> take();
  std::vector<std::string> raw;
  std::vector<const Block*> blocks;    ///< that messages were shared from
  std::vector<Bytes> kept;             ///< what they shared, if it keeps_shared
  bool keeps_shared = false;           ///< as a session whose client does not read
  std::size_t room = ~std::size_t{0};  ///< messages taken before `dropped`
  bool backlogged = false;             ///< what is taken waits: send() answers `queued`
  bool paused = false;
  std::uint32_t close_code = 0;
  std::string close_reason;
  std::function<void()> on_send;    ///< called inside send()
  std::function<void()> on_resume;  ///< called inside resume(), as https: and quic: bring what they have kept
};

/// One client: its session and what the hub made for it.
class FakeClient {
 public:
  FakeClient(Engine& engine, std::uint32_t loop);
  ~FakeClient();

  void send(std::string_view json) { handler_.on_message(session, Message::text(json)); }
  void subscribe(std::string_view topic, std::string_view cid = {});
  void recover(std::string_view topic, const Position& since, std::string_view cid = {});
  void unsubscribe(std::string_view topic);
  void publish(std::string_view topic, std::string_view json, std::string_view cid = {});
  void writable() { handler_.on_writable(session); }
  void close();

  FakeSession session;

 private:
  Handler handler_;
  bool open_ = true;
};

/// Options whose time stands still and whose ids and epochs count up.
HubOptions test_options();

/// A hub with `loops` loops, all turned by this thread.
class FakeHub {
 public:
  explicit FakeHub(std::size_t loops = 1, HubOptions options = test_options());
  ~FakeHub();

  std::unique_ptr<FakeClient> connect(std::uint32_t loop = 0);
  /// Turns all loops until nothing is left to do.
  void settle();
  void advance(core::TimePoint::duration time);
  void turn(std::uint32_t loop) { executors_[loop]->run_posted(); }
  [[nodiscard]] FakeExecutor& executor(std::uint32_t loop) { return *executors_[loop]; }
  /// A topic whose home is `loop`.
  [[nodiscard]] std::string topic_at(std::uint32_t loop, std::string_view prefix = "t") const;

  std::unique_ptr<Engine> engine;

 private:
  std::vector<std::unique_ptr<FakeExecutor>> executors_;
};

/// The payloads of the publications among `messages`, joined.
std::string publications(const std::vector<Received>& messages);
/// The types of `messages`, joined by blanks.
std::string types(const std::vector<Received>& messages);

}  // namespace plait::hub::test
