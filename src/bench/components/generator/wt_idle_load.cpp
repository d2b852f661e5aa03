// What one open session on a QUIC connection of its own costs in memory, on either side.
//
// As in the idle load of the other wires, one session is opened (and used) before the first weighing. The published
// value is the client's growth, so the generator weighs itself, too: its own sessions hold nothing but a handler.
#include "bench/accounting.hpp"
#include "bench/components/generator/wt_load.hpp"

#include <unistd.h>

#include <algorithm>

namespace plait::bench {

namespace {

constexpr std::size_t kAtATime = 100;  // as published
constexpr std::uint64_t kSettle = 500'000'000;

class WtIdleLoad final : public WtLoad {
 public:
  explicit WtIdleLoad(LoadContext& context) : WtLoad(context) {}
  using WtLoad::run;

 private:
  void work() override {
    open_until(1);
    settle();
    const MemoryUse server = meter_.server_memory();
    const MemoryUse client = ProcessTree(getpid()).memory();
    begin_window();
    open_until(1 + plan_.connections);
    meter_.confirm_whole(plan_.connections, 0);
    end_window();
    settle();
    if (is_running()) report(server, client);
  }

  void open_until(std::size_t count) {
    while (is_running() && opened_ < count) {
      while (is_running() && started_ < std::min(count, opened_ + kAtATime)) connect(started_++);
      turn();
    }
  }
  /// Until the last acknowledgements are through and what the handshakes needed is gone.
  void settle() {
    const std::uint64_t end = now_ns() + kSettle;
    while (is_running() && now_ns() < end) turn();
  }
  void on_open(std::size_t index, Session& session) override {
    if (!plan_.touch) return opened();
    auto stream = session.open_stream(::plait::StreamDirection::bidirectional, std::make_unique<Touch>(*this));
    if (!stream) return fail("session " + std::to_string(index) + " allows no stream");
    (*stream)->write(as_bytes("touch"), true);
  }
  void opened() {
    ++opened_;
    progress();
  }

  /// One exchange on each session.
  class Touch final : public StreamHandler {
   public:
    explicit Touch(WtIdleLoad& load) : load_(load) {}

   private:
    void on_data(Stream&, ByteView, bool fin) override {
      if (fin) load_.opened();
    }
    WtIdleLoad& load_;
  };

  void report(const MemoryUse& server, const MemoryUse& client) {
    const MemoryUse server_now = meter_.server_memory();
    const MemoryUse client_now = ProcessTree(getpid()).memory();
    const auto set = [this](const char* name, std::uint64_t from, std::uint64_t to) {
      const double growth = static_cast<double>(to) - static_cast<double>(from);
      context_.extra.add(name, growth / static_cast<double>(plan_.connections));
    };
    set("rss_bytes_per_connection", server.rss_bytes, server_now.rss_bytes);
    set("pss_bytes_per_connection", server.pss_bytes, server_now.pss_bytes);
    set("anonymous_bytes_per_connection", server.anonymous_bytes, server_now.anonymous_bytes);
    set("client_rss_bytes_per_connection", client.rss_bytes, client_now.rss_bytes);
    set("client_anonymous_bytes_per_connection", client.anonymous_bytes, client_now.anonymous_bytes);
  }

  std::size_t started_ = 0;
  std::size_t opened_ = 0;
};

}  // namespace

Result<void, Error> run_wt_idle_load(LoadContext& context) { return WtIdleLoad(context).run(); }

}  // namespace plait::bench
