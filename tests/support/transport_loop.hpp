// TransportLoop: a loop on the test's own thread with what the connections on it share. They end with it.
#pragma once

#include <atomic>
#include <memory>

#include "transport/loop_context.hpp"

namespace plait::transport {

class TransportLoop {
 protected:
  explicit TransportLoop(const Limits& limits = {}, const net::LoopOptions& options = {}, std::uint32_t index = 0)
      : limits_(limits), loop_(*net::Loop::make(options)), context_(*loop_, limits_, index, connection_count_) {}
  ~TransportLoop() { end_connections(); }

  /// For the destructor of a test whose members the connections use.
  void end_connections() {
    context_.entries.for_each([](LoopEntry& entry) { entry.abort({}); });
    loop_->run_once({});
  }

  const Limits limits_;
  const std::unique_ptr<net::Loop> loop_;
  std::atomic<std::size_t> connection_count_{0};
  LoopContext context_;
};

}  // namespace plait::transport
