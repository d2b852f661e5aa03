// Streams of `payload_bytes`, `depth` at a time: uploads, downloads, or both ways at once.
//
// As published, 10 or 1,000 of them on a session of its own, again and again: connect, streams, close; a round counts
// from before the client is made to after it is gone. There an upload is a unidirectional stream that counts when its
// last byte is in the sender's buffer. Confirmed, it is a bidirectional one that counts when the server has read it and
// ended its answer; both ways count when the server's half is here and QUIC has acknowledged all of ours. With `count`
// 0 one session lasts for the whole window. In bulk mode the window is one long stream.
#include "bench/components/generator/wt_load.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace plait::bench {

namespace {

constexpr std::size_t kWriteBytes = std::size_t{64} << 10;  // as the published client writes

class WtStreamLoad final : public WtLoad {
 public:
  explicit WtStreamLoad(LoadContext& context)
      : WtLoad(context),
        stream_bytes_(plan_.payload_bytes),
        streams_max_(plan_.count == 0 ? UINT64_MAX : plan_.count),
        chunk_(make_wt_payload(std::min<std::size_t>(kWriteBytes, std::max(plan_.payload_bytes, plan_.total_bytes)))) {}
  using WtLoad::run;

  /// One stream came to its end: `bytes` were confirmed (or, in the published way, written).
  void finish(std::uint64_t started, std::uint64_t bytes) {
    const std::uint64_t now = now_ns();
    --running_;
    ++finished_;
    progress();
    meter_.record_latency(now - started, 1);
    if (plan_.mode == LoadMode::bulk) {
      meter_.confirm_whole(1, bytes);
    } else {
      meter_.confirm(1, bytes);
    }
    start_streams();
  }
  void refuse(std::string why) {
    if (session(0) != nullptr) fail(std::move(why));  // else it is what our close caused
  }
  [[nodiscard]] const Plan& plan() const { return plan_; }
  [[nodiscard]] const Bytes& chunk() const { return chunk_; }
  [[nodiscard]] std::uint64_t stream_bytes() const { return stream_bytes_; }

 private:
  void work() override {
    if (plan_.mode == LoadMode::bulk) return bulk();
    if (plan_.count == 0) return stay();
    while (is_running() && is_in_window()) round();
    end_window();
  }
  void stay() {
    open_first();
    while (is_running() && is_in_window()) turn();
    end_window();
  }
  void bulk() {
    transfer(std::max<std::uint64_t>(plan_.total_bytes / kWarmupPart, 1), [this] { open_first(); });
    begin_window();
    transfer(plan_.total_bytes, [this] { start_streams(); });
    end_window();
  }
  template <class Begin>
  void transfer(std::uint64_t bytes, Begin begin) {
    stream_bytes_ = bytes;
    streams_max_ = finished_ + 1;
    begin();
    for (std::uint64_t moved = 0; is_running() && finished_ < streams_max_;) {
      turn();
      const SessionStats stats = session_ == nullptr ? SessionStats{} : session_->stats();
      if (std::exchange(moved, stats.bytes_sent + stats.bytes_received) != moved) progress();
    }
  }
  void round() {
    started_ = finished_ = 0;
    open_first();
    while (is_running() && finished_ < plan_.count) turn();
    if (!is_running()) return;
    close_first();
    if (plan_.literal) drop_client();
  }

  void on_open(std::size_t, Session& session) override {
    session_ = &session;
    start_streams();
  }
  void on_streams_available(std::size_t) override { start_streams(); }
  void on_closed(std::size_t) override { session_ = nullptr; }

  void start_streams();

  std::uint64_t stream_bytes_;
  std::uint64_t streams_max_;  // of a session
  Bytes chunk_;
  Session* session_ = nullptr;
  std::uint64_t started_ = 0;
  std::uint64_t running_ = 0;
  std::uint64_t finished_ = 0;
  bool starting_ = false;  // a stream that ends at once must not start the next one inside itself
};

/// Writes the plan's payload as the peer takes it.
class Upload {
 public:
  explicit Upload(WtStreamLoad& load) : load_(load), remaining_(load.stream_bytes()) {}

  /// True once all is written.
  bool send(Stream& stream, bool fin) {
    while (remaining_ > 0) {
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(load_.chunk().size(), remaining_));
      const SendStatus status = stream.write(load_.chunk().slice(0, size), fin && size == remaining_);
      if (status == SendStatus::dropped) return false;
      if (status == SendStatus::closed) {
        load_.refuse("the server wants no more of a stream");
        return false;
      }
      remaining_ -= size;
      if (status == SendStatus::queued && remaining_ > 0) return false;
    }
    return true;
  }

 private:
  WtStreamLoad& load_;
  std::uint64_t remaining_;
};

class LoadStream : public StreamHandler {
 public:
  explicit LoadStream(WtStreamLoad& load) : load_(load), started_(now_ns()) {}
  virtual void start(Stream& stream) = 0;

 protected:
  void on_reset(Stream&, std::uint32_t code) override {
    load_.refuse("the server reset a stream with code " + std::to_string(code));
  }
  void finish(std::uint64_t bytes) { load_.finish(started_, bytes); }

  WtStreamLoad& load_;

 private:
  std::uint64_t started_;
};

/// As published: it is over when its last byte is written.
class UnconfirmedUpload final : public LoadStream {
 public:
  explicit UnconfirmedUpload(WtStreamLoad& load) : LoadStream(load), upload_(load) {}
  void start(Stream& stream) override { on_writable(stream); }

 private:
  void on_writable(Stream& stream) override {
    if (!finished_ && upload_.send(stream, true)) {
      finished_ = true;
      finish(load_.stream_bytes());
    }
  }
  Upload upload_;
  bool finished_ = false;
};

/// The server ends its answer when it has read everything. What it says, if it says how much, must be right.
class ConfirmedUpload final : public LoadStream {
 public:
  explicit ConfirmedUpload(WtStreamLoad& load) : LoadStream(load), upload_(load) {}
  void start(Stream& stream) override { on_writable(stream); }

 private:
  void on_writable(Stream& stream) override { upload_.send(stream, true); }
  void on_data(Stream&, ByteView data, bool fin) override {
    answer_ += as_text(data);
    if (!fin) return;
    std::uint64_t bytes = 0;
    const auto parsed = std::from_chars(answer_.data(), answer_.data() + answer_.size(), bytes);
    if (parsed.ec == std::errc{} && bytes != load_.stream_bytes()) {
      return load_.refuse("the server read " + answer_ + " bytes of a stream");
    }
    finish(load_.stream_bytes());
  }
  Upload upload_;
  std::string answer_;
};

class Download final : public LoadStream {
 public:
  using LoadStream::LoadStream;
  void start(Stream& stream) override { stream.write(as_bytes(std::to_string(load_.stream_bytes()))); }

 private:
  void on_data(Stream& stream, ByteView data, bool fin) override {
    received_ += data.size();
    if (!fin) return;
    if (received_ != load_.stream_bytes()) return load_.refuse("the server sent fewer bytes than it was asked for");
    stream.write(ByteView{}, true);
    finish(received_);
  }
  std::uint64_t received_ = 0;
};

/// As published, our half is ended when the server's has been read. Confirmed, it is ended at once, and the stream
/// counts when it is closed: the server's half is here then, and all of ours was acknowledged.
class Duplex final : public LoadStream {
 public:
  explicit Duplex(WtStreamLoad& load) : LoadStream(load), upload_(load) {}
  void start(Stream& stream) override { on_writable(stream); }

 private:
  void on_writable(Stream& stream) override { sent_ = upload_.send(stream, !load_.plan().literal); }
  void on_data(Stream& stream, ByteView data, bool fin) override {
    received_ += data.size();
    ended_ = ended_ || fin;
    if (!fin || !load_.plan().literal) return;
    if (!sent_) return load_.refuse("the server ended its half before ours was written");
    stream.write(ByteView{}, true);
    finish(load_.stream_bytes() + received_);
  }
  void on_stop(Stream&, std::uint32_t code) override {
    if (!load_.plan().literal) load_.refuse("the server stopped a stream with code " + std::to_string(code));
  }
  void on_close(Stream&) override {
    if (sent_ && ended_ && !load_.plan().literal) finish(load_.stream_bytes() + received_);
  }
  Upload upload_;
  std::uint64_t received_ = 0;
  bool sent_ = false;
  bool ended_ = false;
};

std::unique_ptr<LoadStream> make_stream(WtStreamLoad& load) {
  switch (load.plan().direction) {
    case StreamDirection::download:
      return std::make_unique<Download>(load);
    case StreamDirection::concurrent:
      return std::make_unique<Duplex>(load);
    case StreamDirection::upload:
      break;
  }
  if (load.plan().literal) return std::make_unique<UnconfirmedUpload>(load);
  return std::make_unique<ConfirmedUpload>(load);
}

void WtStreamLoad::start_streams() {
  if (std::exchange(starting_, true)) return;
  const bool one_way = plan_.literal && plan_.direction == StreamDirection::upload;
  const auto direction = one_way ? ::plait::StreamDirection::unidirectional : ::plait::StreamDirection::bidirectional;
  while (is_running() && session_ != nullptr && running_ < plan_.depth && started_ < streams_max_) {
    auto handler = make_stream(*this);
    LoadStream& stream_handler = *handler;
    const auto stream = session_->open_stream(direction, std::move(handler));
    if (!stream) break;  // on_streams_available
    ++started_;
    ++running_;
    stream_handler.start(**stream);
  }
  starting_ = false;
}

}  // namespace

Result<void, Error> run_wt_stream_load(LoadContext& context) { return WtStreamLoad(context).run(); }

}  // namespace plait::bench
