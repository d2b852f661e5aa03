// An endpoint with its HTTP/3 connection over streams in memory, visitors that write down what they are told, capsules
// right or wrong, and two endpoints with a wire between them.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "h3/capsule_type.hpp"
#include "h3/frame.hpp"
#include "unit/h3/h3_testing.hpp"
#include "wt/negotiation.hpp"
#include "wt/sessions.hpp"

namespace plait::wt {

using h3::Buffer;
using h3::bytes_of;
using h3::connect_lines;
using h3::FakeStreams;
using h3::frame;
using h3::headers;
using h3::Log;
using h3::one_setting;
using h3::Role;
using h3::to_buffer;
using h3::varint;
using h3::operator+;
namespace capsule_type = h3::capsule_type;

using Capsules = std::vector<std::pair<std::uint64_t, Buffer>>;

inline Buffer capsule(std::uint64_t type, const Buffer& value = {}) { return frame(type, value); }
inline Buffer in_data(const Buffer& bytes) { return frame(h3::frame_type::kData, bytes); }
inline Buffer close_capsule(std::uint32_t code, std::string_view reason) {
  Buffer value(4 + reason.size());
  for (std::size_t i = 0; i < 4; ++i) value[i] = static_cast<std::uint8_t>(code >> (24 - 8 * i));
  std::copy(reason.begin(), reason.end(), value.begin() + 4);
  return capsule(capsule_type::kCloseSession, value);
}
/// The header of a stream of the peer's.
inline Buffer stream_header(StreamId id, StreamId session = 0) {
  const bool bidirectional = h3::direction_of(id) == Direction::bidirectional;
  return varint(bidirectional ? 0x41 : 0x54) + varint(static_cast<std::uint64_t>(session));
}
inline core::TimePoint at(std::chrono::milliseconds time) { return core::TimePoint{} + time; }

/// What the standards demand for each rule, written down apart from the table under test.
inline std::uint64_t standard_code_of(Error error) {
  constexpr std::uint64_t kH3DatagramError = 0x33;           // RFC 9297 §5.2
  constexpr std::uint64_t kH3MessageError = 0x10E;           // RFC 9114 §8.1
  constexpr std::uint64_t kWtFlowControlError = 0x045D4487;  // the draft, §9.5
  static const std::map<Error, std::uint64_t> codes{
      {Error::capsule_too_large, kH3MessageError},         {Error::capsule_malformed, kH3MessageError},
      {Error::capsule_truncated, kH3MessageError},         {Error::capsule_prohibited, kH3DatagramError},
      {Error::close_reason_too_long, kH3MessageError},     {Error::close_reason_not_utf8, kH3MessageError},
      {Error::data_after_close, kH3MessageError},          {Error::data_limit_exceeded, kWtFlowControlError},
      {Error::stream_limit_exceeded, kWtFlowControlError}, {Error::limit_not_increased, kWtFlowControlError},
      {Error::stream_limit_too_high, kH3DatagramError},
  };
  return codes.at(error);
}

/// Limits of a peer, each of them small enough to be met.
inline h3::WebTransportSettings limits(std::uint64_t data, std::uint64_t uni, std::uint64_t bidi) {
  return {.sessions_max_draft13 = 16, .initial_data = data, .initial_streams_uni = uni, .initial_streams_bidi = bidi};
}
/// Settings of a peer of draft 14: limits are on, and one that is repeated is no error.
inline h3::Settings draft14(const h3::WebTransportSettings& initial) {
  h3::Settings settings = h3::webtransport_settings(initial);
  settings.webtransport.draft15 = 0;
  return settings;
}
/// Chromium: no limits at all.
inline h3::Settings chromium() {
  h3::Settings settings;
  settings.extended_connect = true;
  settings.datagrams = true;
  settings.webtransport.draft02 = 1;
  return settings;
}

class SessionLog final : public SessionVisitor {
 public:
  void on_stream(StreamId id, Direction direction) override {
    add(std::string{direction == Direction::bidirectional ? "bidirectional " : "unidirectional "} + std::to_string(id));
  }
  void on_stream_data(StreamId id, ByteView data, bool fin) override {
    received[id] += as_text(data);
    if (!data.empty() && (log.empty() || log.back() != "data " + std::to_string(id))) add("data", id);
    if (fin) add("fin", id);
    if (consumes) session->consume(id, data.size());
    if (closes_at_data) session->close(1, "enough");
  }
  void on_stream_reset(StreamId id, std::optional<std::uint32_t> code) override { add("reset", id, code); }
  void on_stop_sending(StreamId id, std::optional<std::uint32_t> code) override { add("stop", id, code); }
  void on_stream_closed(StreamId id) override { add("closed", id); }
  void on_stream_writable(StreamId id) override { add("writable", id); }
  void on_streams_available(Direction direction) override {
    add(direction == Direction::bidirectional ? "bidirectional available" : "unidirectional available");
  }
  void on_datagram(ByteView payload) override { add("datagram " + std::string{as_text(payload)}); }
  void on_draining() override { add("draining"); }
  void on_closed(const CloseInfo& info) override {
    add("over " + std::to_string(info.code) + " " + info.reason + (info.clean ? " clean" : " not clean"));
    close_info = info;
  }

  Log log;
  std::map<StreamId, std::string> received;
  std::optional<CloseInfo> close_info;
  Session* session = nullptr;
  bool consumes = true;
  bool closes_at_data = false;

 private:
  void add(std::string line) {
    EXPECT_FALSE(close_info.has_value()) << line;
    log.push_back(std::move(line));
  }
  void add(std::string_view what, StreamId id) { add(std::string{what} + " " + std::to_string(id)); }
  void add(std::string_view what, StreamId id, std::optional<std::uint32_t> code) {
    add(std::string{what} + " " + std::to_string(id) + " " + (code ? std::to_string(*code) : "without code"));
  }
};

/// What the transport is to a connection: forwards to Sessions, and takes or refuses requests.
class Endpoint final : public h3::Visitor {
 public:
  explicit Endpoint(Role role, const h3::Settings& settings = h3::webtransport_settings())
      : options{.role = role, .settings = settings}, session_options{.settings = settings}, streams{role} {}

  void feed(StreamId id, const Buffer& bytes, bool fin = false) { connection.handle_stream_data(id, bytes, fin); }
  void feed_settings(const h3::Settings& peer);
  /// Server: a CONNECT request, accepted at once unless `accepts` is false.
  void feed_connect(StreamId id) { feed(id, headers(connect_lines())); }
  void feed_capsule(const Buffer& bytes, StreamId id = 0) { feed(id, in_data(bytes)); }
  /// Client: asks for a session.
  StreamId connect();
  void accept(StreamId id);

  SessionLog& log(StreamId id = 0) { return logs[id]; }
  Session& session(StreamId id = 0) { return *logs[id].session; }
  FakeStreams::Out& out(StreamId id) { return streams.streams[id]; }
  /// What our side of a CONNECT stream carried in DATA frames.
  Capsules sent_capsules(StreamId id = 0);
  [[nodiscard]] std::optional<Error> error(StreamId id = 0) {
    return logs[id].close_info ? logs[id].close_info->error : std::nullopt;
  }

  void on_settings(const h3::Settings&) override {}
  void on_request(StreamId id, const h3::RequestHead& head) override;
  void on_too_many_fields(StreamId) override {}
  void on_response(StreamId id, const h3::ResponseHead& head) override;
  void on_webtransport_stream(StreamId id, StreamId session, Direction direction) override {
    sessions.handle_stream(id, session, direction, now);
  }
  void on_data(StreamId id, ByteView data) override { others += sessions.handle_data(id, data) ? 0 : 1; }
  void on_fin(StreamId id) override { others += sessions.handle_fin(id) ? 0 : 1; }
  void on_reset(StreamId id, std::uint64_t code) override {
    others += sessions.handle_reset(id, code, final_size) ? 0 : 1;
  }
  void on_stop_sending(StreamId id, std::uint64_t code) override {
    others += sessions.handle_stop_sending(id, code) ? 0 : 1;
  }
  void on_stream_error(StreamId id, h3::Error) override { others += sessions.handle_stream_error(id) ? 0 : 1; }
  void on_closed(StreamId id) override { others += sessions.handle_closed(id) ? 0 : 1; }
  void on_datagram(StreamId id, ByteView payload) override { sessions.handle_datagram(id, payload, now); }
  void on_goaway(std::uint64_t) override { sessions.handle_goaway(); }
  void on_streams_available(Direction direction) override { sessions.handle_streams_available(direction); }
  void on_connection_error(h3::Error) override { sessions.handle_connection_closed(); }

  h3::Options options;
  SessionsOptions session_options;
  FakeStreams streams;
  h3::Qpack qpack;
  h3::Connection connection{options, streams, *this, qpack};
  Sessions sessions{session_options, connection};
  std::map<StreamId, SessionLog> logs;
  core::TimePoint now{};
  std::optional<std::uint64_t> final_size{};  ///< of the reset under way
  bool accepts = true;                        ///< requests at once
  std::optional<AcceptError> accept_error{};
  int others = 0;  ///< events that Sessions did not take
};

/// A server with the session 0.
std::unique_ptr<Endpoint> make_server(const h3::Settings& peer,
                                      const h3::Settings& local = h3::webtransport_settings());
/// Limits on both sides: ours are 100 bytes and 4 streams of each direction, the peer's as given.
std::unique_ptr<Endpoint> make_limited_server(const h3::WebTransportSettings& peer = limits(100, 4, 4));

/// Carries what each side wrote to the other until nothing is left.
class Wire {
 public:
  Wire(Endpoint& client, Endpoint& server) : client_(client), server_(server) {
    client.connection.handle_ready();
    server.connection.handle_ready();
    run();
  }
  void run();

 private:
  struct End {
    bool reset = false;    // RESET_STREAM was delivered
    bool stopped = false;  // STOP_SENDING was
    bool finished = false;
    bool closed = false;
  };
  bool carry(Endpoint& from, Endpoint& to, std::map<StreamId, End>& ends);
  bool carry_stream(Endpoint& from, Endpoint& to, StreamId id, End& end);
  bool close_finished();

  Endpoint& client_;
  Endpoint& server_;
  std::map<StreamId, End> from_client_;
  std::map<StreamId, End> from_server_;
};

}  // namespace plait::wt
