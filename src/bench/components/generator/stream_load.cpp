// The stream load: curl_cffi's throughput test on one WebSocket connection, until `total_bytes` of payload have passed
// in the direction asked for (both, for concurrent).
//
// Its own send timer stops when the client's queue is empty or after 3 s, so a slow peer can lose 16 MiB unnoticed.
// Here an upload ends with a Ping, and its bytes count when the matching Pong is here: a server answers frames in
// order, so by then it has taken every message before it (RFC 6455 §5.5.3), while an unasked Pong says nothing. A
// download counts what has been read.
#include "bench/components/generator/frames.hpp"
#include "bench/components/generator/loads.hpp"
#include "bench/components/generator/replies.hpp"
#include "bench/components/generator/sender.hpp"
#include "bench/components/opcodes.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace plait::bench {

namespace {

constexpr std::uint8_t kFinPing = 0x80 | kOpcodePing;
// Small enough to stay in the cache while it is sent again and again, as the published client's one buffer does.
constexpr std::size_t kMessagesPerSend = 4;

class StreamLoad {
 public:
  explicit StreamLoad(LoadContext& context)
      : context_(context),
        plan_(context.plan),
        cycle_({.payload_bytes = plan_.payload_bytes}, kMessagesPerSend),
        sender_(cycle_),
        ping_payload_(std::to_string(now_ns())),
        ping_(make_client_frame(as_bytes(ping_payload_), kFinPing)),
        endpoints_(1),
        uploads_(plan_.direction != StreamDirection::download),
        downloads_(plan_.direction != StreamDirection::upload) {}

  Result<void, Error> run() {
    if (auto opened = open_endpoints(context_.poller, context_.options, endpoints_); !opened) return opened;
    const std::string early = endpoints_[0].take_early_bytes();
    scanner_.await_pong(as_bytes(ping_payload_));
    scanner_.count(as_bytes(early));
    std::uint64_t last_progress = now_ns();
    context_.meter.begin(last_progress);
    messages_to_send_ = uploads_ ? (plan_.total_bytes + plan_.payload_bytes - 1) / plan_.payload_bytes : 0;
    while (!is_done()) {
      const bool received = receive();
      const bool moved = send() || received;
      const std::uint64_t now = now_ns();
      if (endpoints_[0].phase() == Endpoint::Phase::failed && !is_done()) return err(Error{endpoints_[0].failure()});
      if (scanner_.is_broken()) return err(Error{"the server sent a frame that RFC 6455 §5 forbids"});
      if (moved) {
        last_progress = now;
      } else if (now - last_progress > kStallLimit) {
        return err(Error{"nothing moved for 10 s"});
      } else {
        context_.poller.wait(kSecond / 10);
      }
    }
    finish();
    return {};
  }

 private:
  [[nodiscard]] bool is_done() const {
    return (!uploads_ || scanner_.has_pong()) && (!downloads_ || scanner_.payload_bytes() >= plan_.total_bytes);
  }

  bool receive() {
    const std::size_t got = endpoints_[0].read(context_.buffer);
    scanner_.count({context_.buffer.data(), got});
    return got > 0;
  }

  bool send() {
    if (!uploads_ || ping_sent_ == ping_.size()) return false;
    if (sender_.is_idle() && messages_to_send_ > 0) {
      const std::uint64_t batch = std::min<std::uint64_t>(messages_to_send_, kMessagesPerSend);
      sender_.owe(batch);
      messages_to_send_ -= batch;
    }
    if (!sender_.is_idle()) {
      const std::size_t before = sender_.owed_bytes();
      sender_.flush(endpoints_[0]);
      return sender_.owed_bytes() < before;
    }
    const std::size_t sent = endpoints_[0].write(ByteView{ping_}.subspan(ping_sent_));
    ping_sent_ += sent;
    return sent > 0;
  }

  void finish() {
    const std::uint64_t sent = uploads_ ? plan_.total_bytes : 0;
    const std::uint64_t received = downloads_ ? plan_.total_bytes : 0;
    context_.meter.confirm_whole((sent + received) / plan_.payload_bytes, sent + received);
    context_.meter.end(now_ns());
  }

  LoadContext& context_;
  const Plan& plan_;
  FrameCycle cycle_;
  Sender sender_;
  std::string ping_payload_;  // which no Pong has that does not answer it
  std::vector<std::uint8_t> ping_;
  std::vector<Endpoint> endpoints_;
  FrameScanner scanner_;
  std::uint64_t messages_to_send_ = 0;
  std::size_t ping_sent_ = 0;
  bool uploads_;
  bool downloads_;
};

}  // namespace

Result<void, Error> run_stream_load(LoadContext& context) { return StreamLoad(context).run(); }

}  // namespace plait::bench
