// Sessions and streams without a wire: they write down what they are sent, on a loop that turns by hand.
#pragma once

#include <plait/session.hpp>

#include <memory>
#include <string>
#include <vector>

#include "support/still_session.hpp"

namespace plait::test {

class FakeSession;

class FakeStream final : public Stream {
 public:
  FakeStream(FakeSession& session, std::uint64_t id, bool opened_by_peer)
      : session_(session), id_(id), opened_by_peer_(opened_by_peer) {}

  SendStatus write(ByteView data, bool end) override;
  SendStatus write(Bytes data, bool end) override { return write(data.view(), end); }
  void reset(std::uint32_t code) override { reset_codes.push_back(code); }
  void stop(std::uint32_t code) override { stop_codes.push_back(code); }
  void consume(std::size_t size) override { consumed += size; }
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
  std::size_t consumed = 0;
  SendStatus status = SendStatus::sent;  ///< answer of write()
  std::vector<std::uint32_t> reset_codes;
  std::vector<std::uint32_t> stop_codes;

 private:
  FakeSession& session_;
  std::uint64_t id_;
  bool opened_by_peer_;
};

class FakeSession final : public StillSession {
 public:
  explicit FakeSession(FakeExecutor& executor, std::uint32_t index = 0)
      : StillSession({0, index, 0}), executor_(executor) {}

  void close(std::uint32_t, std::string_view) override { closed = true; }
  void abort() override { closed = true; }
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
  [[nodiscard]] std::optional<Duration> rtt() const override { return round_trip; }
  [[nodiscard]] SessionStats stats() const override { return counters; }
  [[nodiscard]] core::Executor& executor() override { return executor_; }

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
};

inline Session& FakeStream::session() { return session_; }

inline SendStatus FakeStream::write(ByteView data, bool end) {
  if (status == SendStatus::dropped || status == SendStatus::closed) return status;
  written += as_text(data);
  fin = fin || end;
  return status;
}

}  // namespace plait::test
