// Socket.IO on a WebSocket, as far as an echo needs it (Engine.IO protocol 4, Socket.IO protocol 5).
#pragma once

#include "bench/components/generator/replies.hpp"

#include <plait/bytes.hpp>

#include <vector>

namespace plait::bench {

/// What follows the opening handshake: the server's open packet ("0{…}"), our connect ("40"), its answer ("40{…}").
class SocketIoGreeting {
 public:
  /// Takes what has arrived; the result is what to send now (a whole frame, or nothing).
  [[nodiscard]] std::vector<std::uint8_t> handle(ByteView bytes);
  /// The server has answered the connect: messages may be sent.
  [[nodiscard]] bool is_done() const { return done_; }

 private:
  FrameScanner scanner_{true};
  bool done_ = false;
};

/// An event packet with `payload` as its one argument; quotes in it become apostrophes, so that its length is known.
[[nodiscard]] std::vector<std::uint8_t> socket_io_event(ByteView payload);

}  // namespace plait::bench
