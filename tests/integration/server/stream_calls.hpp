// Handlers of streams, made of functions; those that are not set do nothing.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "integration/server/support.hpp"

namespace plait::test {

struct StreamCalls {
  bool consumes = false;
  std::function<void(Stream&, ByteView, bool)> on_data{};
  std::function<void(Stream&, std::uint32_t)> on_reset{};
  std::function<void(Stream&, std::uint32_t)> on_stop{};
  std::function<void(Stream&)> on_writable{};
  std::function<void(Stream&)> on_close{};
};

class CalledStream final : public StreamHandler {
 public:
  explicit CalledStream(StreamCalls calls) : calls_(std::move(calls)) {}
  [[nodiscard]] bool consumes() const override { return calls_.consumes; }
  void on_data(Stream& stream, ByteView data, bool fin) override {
    if (calls_.on_data) calls_.on_data(stream, data, fin);
  }
  void on_reset(Stream& stream, std::uint32_t code) override {
    if (calls_.on_reset) calls_.on_reset(stream, code);
  }
  void on_stop(Stream& stream, std::uint32_t code) override {
    if (calls_.on_stop) calls_.on_stop(stream, code);
  }
  void on_writable(Stream& stream) override {
    if (calls_.on_writable) calls_.on_writable(stream);
  }
  void on_close(Stream& stream) override {
    if (calls_.on_close) calls_.on_close(stream);
  }

 private:
  StreamCalls calls_;
};

inline std::unique_ptr<StreamHandler> stream_calling(StreamCalls calls) {
  return std::make_unique<CalledStream>(std::move(calls));
}

/// Sends back what a bidirectional stream brings.
inline std::unique_ptr<StreamHandler> echo_stream(Session&, Stream&) {
  return stream_calling({.on_data = [](Stream& stream, ByteView data, bool fin) { stream.write(data, fin); }});
}

}  // namespace plait::test
