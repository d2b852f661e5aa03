// Sessions and streams without a wire: they write down what they are sent, on a loop that turns by hand.
#pragma once

#include <plait/session.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/executor.hpp"

namespace plait::test {

class FakeExecutor final : public core::Executor {
 public:
  void post(std::function<void()> task) override { tasks_.push_back(std::move(task)); }
  [[nodiscard]] core::TimePoint now() const override { return now_; }
  void schedule(core::Timer& timer, core::TimePoint deadline) override { wheel_.schedule(timer, deadline); }

  void advance(core::TimePoint::duration time) {
    now_ += time;
    wheel_.advance(now_);
  }
  void run_posted() {
    for (; !tasks_.empty(); tasks_.pop_front()) tasks_.front()();
  }
  [[nodiscard]] bool has_timers() const { return wheel_.next_deadline().has_value(); }

 private:
  std::deque<std::function<void()>> tasks_;
  core::TimePoint now_{};
  core::TimerWheel wheel_{core::TimePoint{}};
};

class FakeSession;

class FakeStream final : public Stream {
 public:
  FakeStream(FakeSession& session, std::uint64_t id, bool opened_by_peer)
      : session_(session), id_(id), opened_by_peer_(opened_by_peer) {}

  SendStatus write(ByteView data, bool end) override;
  SendStatus write(Bytes data, bool end) override { return write(data.view(), end); }
  void reset(std::uint32_t code) override { reset_codes.push_back(code); }
  void stop(std::uint32_t code) override { stop_codes.push_back(code); }
  void consume(std::size_t) override {}
  void set_priority(std::uint32_t, std::int64_t) override {}
  [[nodiscard]] std::size_t buffered_bytes() const override { return 0; }
  [[nodiscard]] StreamDirection direction() const override { return StreamDirection::bidirectional; }
  [[nodiscard]] bool opened_by_peer() const override { return opened_by_peer_; }
  [[nodiscard]] std::uint64_t id() const override { return id_; }
  [[nodiscard]] Session& session() override;

  /// What has been written since the last call.
  std::string take() { return std::exchange(written, {}); }
  void receive(std::string_view bytes, bool end = false) { handler->on_data(*this, as_bytes(bytes), end); }
  void close() {
    handler->on_close(*this);
    handler.reset();
  }

  std::unique_ptr<StreamHandler> handler;
  std::string written;
  bool fin = false;
  SendStatus status = SendStatus::sent;  ///< answer of write()
  std::vector<std::uint32_t> reset_codes;
  std::vector<std::uint32_t> stop_codes;

 private:
  FakeSession& session_;
  std::uint64_t id_;
  bool opened_by_peer_;
};

class FakeSession final : public Session {
 public:
  explicit FakeSession(FakeExecutor& executor, std::uint32_t index = 0) : executor_(executor), index_(index) {}

  SendStatus send(const Message&, SendOptions) override { return SendStatus::dropped; }
  MessageWriter* begin_message(MessageKind) override { return nullptr; }
  void close(std::uint32_t, std::string_view) override { closed = true; }
  void abort() override { closed = true; }
  void pause() override {}
  void resume() override {}
  Result<Stream*, StreamError> open_stream(StreamDirection, std::unique_ptr<StreamHandler> handler) override {
    if (stream_error) return err(*stream_error);
    return &add_stream(std::move(handler), false);
  }
  SendStatus send_datagram(ByteView data, DatagramId* /*id*/ = nullptr) override {
    if (closed) return SendStatus::closed;
    if (data.empty() || data.size() > datagram_max) return SendStatus::dropped;
    datagrams.emplace_back(as_text(data));
    return datagram_status;
  }
  [[nodiscard]] std::size_t datagram_bytes_max() const override { return closed ? 0 : datagram_max; }
  [[nodiscard]] std::size_t buffered_bytes() const override { return 0; }
  [[nodiscard]] std::optional<Duration> rtt() const override { return round_trip; }
  [[nodiscard]] SessionStats stats() const override { return counters; }
  [[nodiscard]] SessionId id() const override { return {0, index_, 0}; }
  [[nodiscard]] core::Executor& executor() override { return executor_; }
  [[nodiscard]] std::string peer() const override { return "fake"; }
  [[nodiscard]] std::string_view subprotocol() const override { return {}; }

  FakeStream& add_stream(std::unique_ptr<StreamHandler> handler, bool opened_by_peer = true) {
    streams.push_back(std::make_unique<FakeStream>(*this, streams.size(), opened_by_peer));
    streams.back()->handler = std::move(handler);
    return *streams.back();
  }
  std::vector<std::string> take_datagrams() { return std::exchange(datagrams, {}); }

  std::vector<std::unique_ptr<FakeStream>> streams;
  std::optional<StreamError> stream_error;
  std::vector<std::string> datagrams;
  std::size_t datagram_max = 1200;
  SendStatus datagram_status = SendStatus::sent;
  SessionStats counters;
  std::optional<Duration> round_trip;
  bool closed = false;

 private:
  FakeExecutor& executor_;
  std::uint32_t index_;
};

inline Session& FakeStream::session() { return session_; }

inline SendStatus FakeStream::write(ByteView data, bool end) {
  if (status == SendStatus::dropped || status == SendStatus::closed) return status;
  written += as_text(data);
  fin = fin || end;
  return status;
}

}  // namespace plait::test
