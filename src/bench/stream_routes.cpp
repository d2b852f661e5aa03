#include "bench/stream_routes.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace plait::bench {
namespace {

constexpr std::size_t kChunkBytes = std::size_t{64} << 10;
constexpr std::uint64_t kDuplexBytes = std::uint64_t{1} << 20;
constexpr std::size_t kRequestBytesMax = 20;     // a number of 64 bits
constexpr std::size_t kHeldBytesMax = 16 << 20;  // what /latency reads before it answers
constexpr std::uint32_t kRefused = 1;

bool is_bidirectional(const Stream& stream) { return stream.direction() == plait::StreamDirection::bidirectional; }

/// Sends a number of bytes as the peer takes them; 64 KiB of memory whatever the number is.
class Producer {
 public:
  explicit Producer(Bytes chunk) : chunk_(std::move(chunk)) {}

  void start(std::uint64_t bytes) { remaining_ = bytes; }
  [[nodiscard]] bool is_done() const { return remaining_ == 0; }
  void send(Stream& stream, bool fin) {
    while (remaining_ > 0) {
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(chunk_.size(), remaining_));
      const SendStatus status = stream.write(chunk_.slice(0, size), fin && size == remaining_);
      if (status == SendStatus::dropped || status == SendStatus::closed) return;
      remaining_ -= size;
      if (status == SendStatus::queued) return;
    }
  }

 private:
  Bytes chunk_;
  std::uint64_t remaining_ = 0;
};

/// Gives credit back only while the peer takes what it gets.
class EchoStream final : public StreamHandler {
  [[nodiscard]] bool consumes() const override { return true; }
  void on_data(Stream& stream, ByteView data, bool fin) override {
    if (!is_bidirectional(stream)) return stream.consume(data.size());
    const SendStatus status = stream.write(data, fin);
    if (status == SendStatus::dropped) return stream.reset(kRefused);
    if (status == SendStatus::sent) return stream.consume(data.size());
    held_ += data.size();
  }
  void on_writable(Stream& stream) override { stream.consume(std::exchange(held_, 0)); }

  std::size_t held_ = 0;
};

class LatencyStream final : public StreamHandler {
  void on_data(Stream& stream, ByteView data, bool fin) override {
    if (!is_bidirectional(stream)) return;
    if (data.size() > kHeldBytesMax - held_.size()) return stream.reset(kRefused);
    if (fin && held_.empty()) {
      stream.write(data, true);
      return;
    }
    held_.insert(held_.end(), data.begin(), data.end());
    if (fin) stream.write(ByteView{held_}, true);
  }

  std::vector<std::uint8_t> held_;
};

class DiscardStream final : public StreamHandler {
 public:
  explicit DiscardStream(const std::uint64_t& datagrams) : datagrams_(datagrams) {}

  void on_data(Stream& stream, ByteView data, bool fin) override {
    bytes_ += data.size();
    if (!fin || !is_bidirectional(stream)) return;
    const std::string answer = std::to_string(bytes_) + " " + std::to_string(datagrams_);
    stream.write(as_bytes(answer), true);
  }

 private:
  const std::uint64_t& datagrams_;
  std::uint64_t bytes_ = 0;
};

/// The number is whole when what came is a number: the published client sends it in one piece and does not end it.
class ProduceStream final : public StreamHandler {
 public:
  explicit ProduceStream(Bytes chunk) : producer_(std::move(chunk)) {}

  void on_data(Stream& stream, ByteView data, bool) override {
    if (data.empty() || std::exchange(asked_, true)) return;
    std::uint64_t bytes = 0;
    const std::string_view text = as_text(data);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bytes);
    const bool is_number = error == std::errc{} && end == text.data() + text.size() && text.size() <= kRequestBytesMax;
    if (!is_number || !is_bidirectional(stream)) return stream.reset(kRefused);
    producer_.start(bytes);
    producer_.send(stream, true);
    if (bytes == 0) stream.write(ByteView{}, true);
  }
  void on_writable(Stream& stream) override { producer_.send(stream, true); }

 private:
  Producer producer_;
  bool asked_ = false;
};

/// The published client ends its half only after it has read ours, so the number of bytes says that its half is here.
class DuplexStream final : public StreamHandler {
 public:
  explicit DuplexStream(Bytes chunk) : producer_(std::move(chunk)) { producer_.start(kDuplexBytes); }

  void send(Stream& stream) {
    producer_.send(stream, false);
    const bool complete = producer_.is_done() && (peer_ended_ || received_ >= kDuplexBytes);
    if (complete && !std::exchange(ended_, true)) stream.write(ByteView{}, true);
  }
  void on_data(Stream& stream, ByteView data, bool fin) override {
    received_ += data.size();
    peer_ended_ = peer_ended_ || fin;
    send(stream);
  }
  void on_writable(Stream& stream) override { send(stream); }

 private:
  Producer producer_;
  std::uint64_t received_ = 0;
  bool peer_ended_ = false;
  bool ended_ = false;
};

class EchoSession final : public SessionHandler {
  [[nodiscard]] bool wants_streams() const override { return true; }
  std::unique_ptr<StreamHandler> on_stream(Session&, Stream&) override { return std::make_unique<EchoStream>(); }
  void on_datagram(Session& session, ByteView data) override { session.send_datagram(data); }
};

class LatencySession final : public SessionHandler {
  [[nodiscard]] bool wants_streams() const override { return true; }
  std::unique_ptr<StreamHandler> on_stream(Session&, Stream&) override { return std::make_unique<LatencyStream>(); }
};

class DiscardSession final : public SessionHandler {
  [[nodiscard]] bool wants_streams() const override { return true; }
  std::unique_ptr<StreamHandler> on_stream(Session&, Stream&) override {
    return std::make_unique<DiscardStream>(datagrams_);
  }
  void on_datagram(Session&, ByteView) override { ++datagrams_; }

  std::uint64_t datagrams_ = 0;  // outlives the session's streams
};

/// One chunk for all streams of a session.
Bytes make_chunk() { return Bytes::copy_of(ByteView{std::vector<std::uint8_t>(kChunkBytes, 0x5A)}); }

class ProduceSession final : public SessionHandler {
  [[nodiscard]] bool wants_streams() const override { return true; }
  std::unique_ptr<StreamHandler> on_stream(Session&, Stream&) override {
    return std::make_unique<ProduceStream>(chunk_);
  }

  Bytes chunk_ = make_chunk();
};

class DuplexSession final : public SessionHandler {
  [[nodiscard]] bool wants_streams() const override { return true; }
  std::unique_ptr<StreamHandler> on_stream(Session&, Stream& stream) override {
    if (!is_bidirectional(stream)) return nullptr;
    auto handler = std::make_unique<DuplexStream>(chunk_);
    handler->send(stream);
    return handler;
  }

  Bytes chunk_ = make_chunk();
};

}  // namespace

std::vector<std::pair<std::string_view, HandlerFactory>> stream_routes() {
  return {{"/echo", handler<EchoSession>()},
          {"/latency", handler<LatencySession>()},
          {"/discard", handler<DiscardSession>()},
          {"/produce", handler<ProduceSession>()},
          {"/duplex", handler<DuplexSession>()}};
}

}  // namespace plait::bench
