// Pause: a wait that keeps the client's run() going, and ends with the client.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "core/timer.hpp"
#include "transport/loop_context.hpp"
#include "transport/loop_entry.hpp"

namespace plait::client {

class Pause final : public transport::LoopEntry, private core::Timer {
 public:
  /// Calls `done` after `delay`, unless cancel() comes before, or the client ends. What to cancel.
  static SessionId start(transport::LoopContext& context, Duration delay, std::function<void()> done);
  /// Nothing for one that is over.
  static void cancel(transport::LoopContext& context, SessionId id);

  // LoopEntry
  [[nodiscard]] Session* session() override { return nullptr; }
  void drain() override { leave(); }
  void abort(const transport::Disconnect&) override { leave(); }

 private:
  Pause(transport::LoopContext& context, std::function<void()> done) : context_(context), done_(std::move(done)) {}
  void on_timer(core::TimePoint) override {
    leave();
    done_();
  }
  void leave() {
    core::Timer::cancel();
    context_.loop.retire(context_.entries.remove(id_));
  }

  transport::LoopContext& context_;
  const std::function<void()> done_;
  SessionId id_;
};

inline SessionId Pause::start(transport::LoopContext& context, Duration delay, std::function<void()> done) {
  std::unique_ptr<Pause> owned{new Pause{context, std::move(done)}};
  Pause& pause = *owned;
  pause.id_ = context.put(std::move(owned));
  context.loop.schedule(pause, context.loop.now() + delay);
  return pause.id_;
}

inline void Pause::cancel(transport::LoopContext& context, SessionId id) {
  if (transport::LoopEntry* pause = context.entries.find(id)) pause->abort({});
}

}  // namespace plait::client
