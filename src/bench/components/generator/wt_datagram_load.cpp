// Datagrams one way, to /discard.
//
// As published, `count` of them in one burst on a session of its own, again and again; each counts when send_datagram()
// took it, whatever became of it. Delivered, `burst` of them a turn of the loop for the whole window, and what counts
// is the number that the server says it has received; what it lacks of those sent was lost, in our own queue or behind
// it.
#include "bench/components/generator/frames.hpp"
#include "bench/components/generator/wt_load.hpp"

#include <charconv>

namespace plait::bench {

namespace {

/// Datagrams that still come in then are late, not lost.
constexpr std::uint64_t kLate = 50'000'000;

class WtDatagramLoad final : public WtLoad {
 public:
  explicit WtDatagramLoad(LoadContext& context) : WtLoad(context), payload_(make_payload(plan_.payload_bytes, 0)) {}
  using WtLoad::run;

  void told(std::uint64_t received) {
    if (received > sent_) return fail("the server says it has more datagrams than it was sent");
    received_ = received;
    told_ = true;
    progress();
  }
  void refuse(std::string why) { fail(std::move(why)); }

 private:
  void work() override {
    if (!plan_.literal) return sustain();
    while (is_running() && is_in_window()) round();
    end_window();
  }
  void round() {
    open_first();
    if (!is_running()) return;
    const std::uint64_t taken = send(plan_.count);
    meter_.confirm(taken, taken * plan_.payload_bytes);
    progress();
    turn_at_once();
    close_first();
    drop_client();
  }

  void sustain() {
    open_first();
    while (is_running() && !meter_.is_measuring()) pump();  // warm-up
    ask();
    const std::uint64_t sent_before = sent_;
    const std::uint64_t received_before = received_;
    begin_window();
    while (is_running() && is_in_window()) pump();
    ask();
    const std::uint64_t delivered = received_ - received_before;
    meter_.confirm_whole(delivered, delivered * plan_.payload_bytes);
    const std::uint64_t sent = sent_ - sent_before;
    meter_.lose(sent > delivered ? sent - delivered : 0);
    end_window();
  }
  void pump() {
    is_in_window();
    send(plan_.burst);
    progress();
    turn_at_once();
  }
  std::uint64_t send(std::uint64_t count) {
    std::uint64_t taken = 0;
    Session* target = session(0);
    for (std::uint64_t i = 0; i < count && target != nullptr; ++i) {
      taken += target->send_datagram(payload_) == SendStatus::sent ? 1 : 0;
    }
    sent_ += taken;
    return taken;
  }

  /// Has the server tell how many it has.
  void ask();

  std::vector<std::uint8_t> payload_;
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
  bool told_ = false;
};

/// An empty stream to /discard; the second number of its answer is the one.
class Question final : public StreamHandler {
 public:
  explicit Question(WtDatagramLoad& load) : load_(load) {}

 private:
  void on_data(Stream&, ByteView data, bool fin) override {
    answer_ += as_text(data);
    if (!fin) return;
    const auto space = answer_.find(' ');
    std::uint64_t count = 0;
    const char* end = answer_.data() + answer_.size();
    const bool told =
        space != std::string::npos && std::from_chars(answer_.data() + space + 1, end, count).ec == std::errc{};
    if (!told) return load_.refuse("the server does not tell how many datagrams it received");
    load_.told(count);
  }
  WtDatagramLoad& load_;
  std::string answer_;
};

void WtDatagramLoad::ask() {
  std::uint64_t before = 0;
  const std::uint64_t latest = now_ns() + kLate;
  do {
    Session* target = session(0);
    if (!is_running() || target == nullptr) return;
    before = received_;
    told_ = false;
    auto stream = target->open_stream(::plait::StreamDirection::bidirectional, std::make_unique<Question>(*this));
    if (!stream) return fail("the session allows no stream");
    (*stream)->write(ByteView{}, true);
    while (is_running() && !told_) turn();
  } while (is_running() && received_ < sent_ && received_ != before && now_ns() < latest);
}

}  // namespace

Result<void, Error> run_wt_datagram_load(LoadContext& context) { return WtDatagramLoad(context).run(); }

}  // namespace plait::bench
