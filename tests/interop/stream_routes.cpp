#include "stream_routes.hpp"

#include <charconv>
#include <memory>
#include <string>
#include <string_view>

#include "reporting.hpp"

namespace {

using plait::ByteView;
using plait::SendStatus;
using plait::Session;
using plait::Stream;
using plait::StreamDirection;
using plait::StreamHandler;

/// Takes no more than its peer takes back.
struct EchoStream : StreamHandler {
  [[nodiscard]] bool consumes() const override { return true; }
  void on_data(Stream& stream, ByteView data, bool fin) override {
    const SendStatus status = stream.write(data, fin);
    owed += data.size();
    if (status == SendStatus::sent) give_back(stream);
  }
  void on_writable(Stream& stream) override { give_back(stream); }
  void give_back(Stream& stream) { stream.consume(std::exchange(owed, 0)); }
  std::size_t owed = 0;
};

void send_one_way(Session& session, std::string_view text) {
  const auto opened = session.open_stream(StreamDirection::unidirectional, std::make_unique<StreamHandler>());
  if (opened) (*opened)->write(plait::as_bytes(text), true);
}

struct OneWayStream : StreamHandler {
  void on_data(Stream& stream, ByteView data, bool fin) override {
    received += plait::as_text(data);
    if (fin) send_one_way(stream.session(), received);
  }
  std::string received;
};

struct Streams : Reporting {
  [[nodiscard]] bool wants_streams() const override { return true; }
  std::unique_ptr<StreamHandler> on_stream(Session&, Stream& stream) override {
    if (stream.direction() == StreamDirection::bidirectional) return std::make_unique<EchoStream>();
    return std::make_unique<OneWayStream>();
  }
  void on_datagram(Session& session, ByteView data) override { session.send_datagram(data); }
};

struct Opens : Streams {
  void on_open(Session& session) override {
    const auto opened = session.open_stream(StreamDirection::bidirectional, std::make_unique<EchoStream>());
    if (opened) (*opened)->write(plait::as_bytes("hello"));
    send_one_way(session, "one way");
  }
};

struct OrderStream : StreamHandler {
  void on_data(Stream& stream, ByteView data, bool) override {
    std::string_view text = plait::as_text(data);
    const std::string_view verb = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), verb.size() + 1));
    std::uint32_t code = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), code);
    text.remove_prefix(std::min<std::size_t>(text.size(), static_cast<std::size_t>(end - text.data()) + 1));
    if (verb == "reset") stream.reset(code);
    if (verb == "stop") stream.stop(code);
    if (verb == "close") stream.session().close(static_cast<std::uint32_t>(code), text);
  }
  void on_reset(Stream& stream, std::uint32_t code) override {
    send_one_way(stream.session(), "reset " + std::to_string(code));
  }
  void on_stop(Stream& stream, std::uint32_t code) override {
    send_one_way(stream.session(), "stopped " + std::to_string(code));
  }
};

struct Orders : Streams {
  std::unique_ptr<StreamHandler> on_stream(Session&, Stream&) override { return std::make_unique<OrderStream>(); }
};

}  // namespace

std::vector<Route> stream_routes() {
  return {{"/streams", plait::handler<Streams>()},
          {"/opens", plait::handler<Opens>()},
          {"/orders", plait::handler<Orders>()}};
}
