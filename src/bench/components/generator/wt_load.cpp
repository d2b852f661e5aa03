#include "bench/components/generator/wt_load.hpp"

#include "bench/components/generator/frames.hpp"

#include <utility>

namespace plait::bench {

namespace {

constexpr std::chrono::milliseconds kWait{100};
constexpr std::chrono::microseconds kSpin{50};

}  // namespace

/// One session from connect() to its end.
class WtLoad::Link final : public SessionHandler {
 public:
  Link(WtLoad& load, std::size_t index) : load_(load), index_(index) {}

  [[nodiscard]] bool wants_streams() const override { return true; }
  void on_open(Session& session) override {
    session_ = &session;
    load_.on_open(index_, session);
  }
  void on_streams_available(Session&, ::plait::StreamDirection) override {
    if (session_ != nullptr) load_.on_streams_available(index_);
  }
  void on_datagram(Session&, ByteView data) override {
    if (session_ != nullptr) load_.on_datagram(index_, data);
  }
  void on_close(Session&, const CloseInfo& info) override {
    if (load_.silent_) return;
    session_ = nullptr;
    load_.links_[index_] = nullptr;
    if (closing_) return load_.on_closed(index_);
    load_.fail("a session ended by itself, code " + std::to_string(info.code) + ": " + info.reason);
  }
  void close() {
    closing_ = true;
    if (Session* session = std::exchange(session_, nullptr)) session->close();
  }
  [[nodiscard]] Session* session() const { return session_; }

 private:
  WtLoad& load_;
  std::size_t index_;
  Session* session_ = nullptr;
  bool closing_ = false;
};

WtLoad::WtLoad(LoadContext& context)
    : context_(context),
      plan_(context.plan),
      meter_(context.meter),
      url_(plan_.url.text()),
      last_progress_(now_ns()),
      begin_(last_progress_ + static_cast<std::uint64_t>(plan_.warmup_seconds * 1e9)) {
  options_.verify_certificate = false;
  options_.resume = plan_.resume;
}

Result<void, Error> WtLoad::run() {
  if (plan_.rate > 0) return err(Error{"--rate: WebTransport rows have no open loop"});
  work();
  drop_client();
  if (!failure_.empty()) return err(Error{failure_});
  return {};
}

void WtLoad::connect(std::size_t index) {
  if (client_ == nullptr) {
    ClientOptions client_options;
    if (plan_.spin) client_options.busy_poll = kSpin;
    if (plan_.packet_bytes > 0) client_options.limits.udp_payload_bytes_max = plan_.packet_bytes;
    client_ = std::make_unique<Client>(client_options);
  }
  if (links_.size() <= index) links_.resize(index + 1);
  auto handler = std::make_unique<Link>(*this, index);
  links_[index] = handler.get();
  const auto started = client_->connect(url_, std::move(handler), options_);
  if (!started) {
    links_[index] = nullptr;
    fail(started.error().message);
  }
}

void WtLoad::close(std::size_t index) {
  if (links_[index] != nullptr) links_[index]->close();
}

Session* WtLoad::session(std::size_t index) { return links_[index] == nullptr ? nullptr : links_[index]->session(); }

bool WtLoad::is_closed(std::size_t index) const { return links_[index] == nullptr; }

void WtLoad::open_first() {
  connect(0);
  while (is_running() && session(0) == nullptr) turn();
}

void WtLoad::close_first() {
  close(0);
  while (is_running() && !is_closed(0)) turn();
}

void WtLoad::drop_client() {
  silent_ = true;
  client_.reset();
  links_.clear();
  silent_ = false;
}

bool WtLoad::turn() { return turn(kWait); }
bool WtLoad::turn_at_once() { return turn(Duration::zero()); }

bool WtLoad::turn(Duration wait_max) {
  client_->run_once(wait_max);
  const std::uint64_t now = now_ns();
  meter_.tick(now);
  if (now > last_progress_ && now - last_progress_ > kStallLimit) fail("nothing was confirmed for 10 s");
  return is_running();
}

void WtLoad::fail(std::string why) {
  if (failure_.empty()) failure_ = std::move(why);
}

bool WtLoad::is_in_window() {
  const std::uint64_t now = now_ns();
  if (!meter_.is_measuring()) {
    if (now < begin_) return true;
    begin_window();
  }
  return now < end_;
}

void WtLoad::begin_window() {
  const std::uint64_t now = now_ns();
  meter_.begin(now);
  end_ = now + static_cast<std::uint64_t>(plan_.seconds * 1e9);
}

void WtLoad::end_window() { meter_.end(now_ns()); }

Bytes make_wt_payload(std::size_t bytes) { return Bytes::copy_of(ByteView{make_payload(bytes, 0)}); }

}  // namespace plait::bench
