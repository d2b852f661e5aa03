// Sessions, each on a QUIC connection of its own: connect, open, close.
//
// As published, one after another, each with a client of its own, timed from before that is made to after it is gone.
// Otherwise one client keeps `connections` of them under way; a session counts, and its time ends, when the server has
// accepted it, and the next one begins when the server has answered its close. Its time may end earlier: at the end of
// QUIC's handshake or with the server's SETTINGS, both of which an https: session tells once it is open.
#include "bench/components/generator/wt_load.hpp"

namespace plait::bench {

namespace {

class WtConnectLoad final : public WtLoad {
 public:
  explicit WtConnectLoad(LoadContext& context) : WtLoad(context), started_(plan_.connections) {}
  using WtLoad::run;

 private:
  void work() override {
    if (plan_.literal) {
      while (is_running() && is_in_window()) round();
    } else {
      for (std::size_t i = 0; i < started_.size() && is_running(); ++i) restart(i);
      while (is_running() && (is_in_window() || meter_.messages() < plan_.count)) turn();
    }
    end_window();
  }
  void round() {
    const std::uint64_t started = now_ns();
    open_first();
    if (!is_running()) return;
    close_first();
    drop_client();
    count(now_ns() - started);
  }
  void restart(std::size_t index) {
    started_[index] = now_ns();
    connect(index);
  }
  void count(std::uint64_t nanoseconds) {
    progress();
    meter_.record_latency(nanoseconds, 1);
    meter_.confirm(1, 0);
  }

  void on_open(std::size_t index, Session& session) override {
    if (plan_.literal) return;
    if (plan_.until == OpeningStep::session) {
      count(now_ns() - started_[index]);
    } else if (const auto times = session.opening_times()) {
      const Duration time = plan_.until == OpeningStep::settings ? times->settings : times->handshake;
      count(static_cast<std::uint64_t>(time.count()));
    } else {
      fail("the sessions of this wire do not tell the times of their opening's parts");
    }
    close(index);
  }
  void on_closed(std::size_t index) override {
    if (!plan_.literal) restart(index);
  }

  std::vector<std::uint64_t> started_;
};

}  // namespace

Result<void, Error> run_wt_connect_load(LoadContext& context) { return WtConnectLoad(context).run(); }

}  // namespace plait::bench
