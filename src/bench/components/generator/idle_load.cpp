// The idle load: what one open connection costs the server in memory.
//
// One connection is opened (and used) before the first weighing, so that the buffers and tables which a server makes
// once are not charged to the connections; then `connections` more are opened, and the difference is divided by them.
#include "bench/components/generator/frames.hpp"
#include "bench/components/generator/loads.hpp"
#include "bench/components/generator/replies.hpp"

namespace plait::bench {

namespace {

constexpr std::uint64_t kEchoTimeout = 5 * kSecond;

class IdleLoad {
 public:
  explicit IdleLoad(LoadContext& context)
      : context_(context),
        plan_(context.plan),
        cycle_({.websocket = plan_.url.is_websocket(),
                .socket_io = plan_.url.is_socket_io(),
                .deflate = plan_.deflate,
                .payload_bytes = plan_.payload_bytes},
               1) {}

  Result<void, Error> run() {
    if (auto done = open(1); !done) return done;
    if (auto done = echo_from(0); !done) return done;
    const MemoryUse before = context_.meter.server_memory();
    const std::uint64_t begin = now_ns();
    context_.meter.begin(begin);
    if (auto done = open(1 + plan_.connections); !done) return done;
    context_.meter.confirm_whole(plan_.connections, 0);
    context_.meter.end(now_ns());
    if (plan_.touch) {
      if (auto done = echo_from(1); !done) return done;
    }
    report(before, context_.meter.server_memory());
    return {};
  }

 private:
  Result<void, Error> open(std::size_t count) {
    const std::size_t first = endpoints_.size();
    endpoints_.resize(count);
    return open_endpoints(context_.poller, context_.options, endpoints_, first);
  }

  /// One message and its answer on each connection from `first` on, one after another.
  Result<void, Error> echo_from(std::size_t first) {
    for (std::size_t index = first; index < endpoints_.size(); ++index) {
      KnownReplies replies(cycle_, false);
      FrameScanner scanner;  // compressed, an answer is as long as the server likes
      Endpoint& endpoint = endpoints_[index];
      const ByteView frame = cycle_.slice(0, cycle_.frame_bytes());
      const std::uint64_t deadline = now_ns() + kEchoTimeout;
      bool answered = endpoint.write(frame) != frame.size();
      if (answered) return err(Error{"a message could not be sent"});
      while (!answered) {
        if (endpoint.phase() == Endpoint::Phase::failed) return err(Error{endpoint.failure()});
        if (now_ns() > deadline) return err(Error{"no answer on an idle connection within 5 s"});
        const std::size_t got = endpoint.read(context_.buffer);
        const ByteView bytes{context_.buffer.data(), got};
        answered = (plan_.deflate ? scanner.count(bytes) : replies.count(bytes)) > 0;
        if (got == 0) context_.poller.wait(kSecond / 100);
      }
    }
    return {};
  }

  void report(const MemoryUse& before, const MemoryUse& after) {
    const auto per_connection = [this](std::uint64_t from, std::uint64_t to) {
      return (static_cast<double>(to) - static_cast<double>(from)) / static_cast<double>(plan_.connections);
    };
    context_.extra.add("rss_bytes_per_connection", per_connection(before.rss_bytes, after.rss_bytes));
    context_.extra.add("pss_bytes_per_connection", per_connection(before.pss_bytes, after.pss_bytes));
    context_.extra.add("anonymous_bytes_per_connection", per_connection(before.anonymous_bytes, after.anonymous_bytes));
  }

  LoadContext& context_;
  const Plan& plan_;
  FrameCycle cycle_;
  std::vector<Endpoint> endpoints_;
};

}  // namespace

Result<void, Error> run_idle_load(LoadContext& context) { return IdleLoad(context).run(); }

}  // namespace plait::bench
