// Streams in memory, a visitor that writes down what it is told, and frames right or wrong.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/byte_sink.hpp"
#include "h3/connection.hpp"

namespace plait::h3 {

using Buffer = std::vector<std::uint8_t>;
using Log = std::vector<std::string>;
using HeadLines = std::vector<std::pair<std::string_view, std::string_view>>;

inline Buffer operator+(Buffer left, const Buffer& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}
inline Buffer bytes_of(std::initializer_list<int> values) {
  Buffer bytes;
  for (const int value : values) bytes.push_back(static_cast<std::uint8_t>(value));
  return bytes;
}
inline Buffer to_buffer(ByteView view) { return {view.begin(), view.end()}; }
inline Buffer to_buffer(std::string_view text) { return to_buffer(as_bytes(text)); }

inline Buffer varint(std::uint64_t value) {
  Buffer bytes(core::kVarintBytesMax);
  bytes.resize(core::encode_varint(value, bytes.data()));
  return bytes;
}
/// The integer in eight bytes, whatever its value.
inline Buffer long_varint(std::uint64_t value) {
  Buffer bytes(8);
  for (std::size_t i = 8; i-- > 0; value >>= 8) bytes[i] = static_cast<std::uint8_t>(value);
  bytes[0] |= 0xC0;
  return bytes;
}
inline Buffer frame(std::uint64_t type, const Buffer& payload = {}) {
  return varint(type) + varint(payload.size()) + payload;
}
inline Buffer data(std::string_view text) { return frame(frame_type::kData, to_buffer(text)); }
inline Buffer one_setting(std::uint64_t id, std::uint64_t value) { return varint(id) + varint(value); }

/// A HEADERS frame of whatever lines.
inline Buffer headers(const HeadLines& lines) {
  std::vector<http::Field> fields;
  fields.reserve(lines.size());
  for (const auto& [name, value] : lines) fields.push_back({name, value});
  Qpack qpack;
  return to_buffer(qpack.encode_headers(fields).view());
}
inline HeadLines get_lines(std::string_view path = "/") {
  return {{":method", "GET"}, {":scheme", "https"}, {":authority", "localhost:4433"}, {":path", path}};
}
inline HeadLines post_lines() {
  return {{":method", "POST"}, {":scheme", "https"}, {":authority", "localhost:4433"}, {":path", "/"}};
}
inline HeadLines connect_lines(std::string_view protocol = "webtransport") {
  return {{":scheme", "https"},
          {":method", "CONNECT"},
          {":authority", "localhost:4433"},
          {":path", "/echo"},
          {":protocol", protocol}};
}
inline HeadLines operator+(HeadLines left, const HeadLines& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

/// The beginning of a control stream, with enough settings for WebTransport.
inline Buffer control(const Buffer& settings) { return varint(stream_type::kControl) + frame(0x04, settings); }
inline Buffer control() { return control(one_setting(0x08, 1) + one_setting(0x33, 1) + one_setting(0x2B603742, 1)); }

class FakeStreams final : public Streams {
 public:
  struct Out {
    Buffer bytes{};
    std::size_t delivered = 0;
    bool fin = false;
    bool fin_delivered = false;
    std::optional<std::uint64_t> reset{};
    std::optional<std::uint64_t> stopped{};
    std::size_t consumed = 0;
  };

  explicit FakeStreams(Role role) : role_(role) {}

  std::optional<StreamId> open(Direction direction) override {
    std::size_t& left = direction == Direction::bidirectional ? bidirectional_left : unidirectional_left;
    if (left == 0) return std::nullopt;
    --left;
    StreamId& next = direction == Direction::bidirectional ? next_bidirectional_ : next_unidirectional_;
    const StreamId id = 4 * next++ + (direction == Direction::unidirectional ? 2 : 0) + (role_ == Role::server ? 1 : 0);
    streams[id];
    return id;
  }
  void await_streams(Direction direction) override {
    (direction == Direction::bidirectional ? awaits_bidirectional : awaits_unidirectional) = true;
  }
  void write(StreamId id, Bytes bytes, bool fin) override {
    Out& out = streams[id];
    if (out.reset) return;
    ++write_count;
    out.bytes.insert(out.bytes.end(), bytes.view().begin(), bytes.view().end());
    out.fin = out.fin || fin;
  }
  void reset(StreamId id, std::uint64_t code) override {
    if (!streams[id].reset) streams[id].reset = code;
  }
  void stop_sending(StreamId id, std::uint64_t code) override {
    if (!streams[id].stopped) streams[id].stopped = code;
  }
  void consume(StreamId id, std::size_t bytes) override { streams[id].consumed += bytes; }
  void close(std::uint64_t code, std::string_view reason) override { closed = {code, std::string{reason}}; }
  [[nodiscard]] std::size_t datagram_bytes_max() const override { return datagram_max; }
  bool send_datagram(ByteView bytes) override {
    if (bytes.size() > datagram_max) {
      refused_datagram_bytes = bytes.size();
      return false;
    }
    datagrams.push_back(to_buffer(bytes));
    return true;
  }

  std::map<StreamId, Out> streams;
  std::vector<Buffer> datagrams;
  std::optional<std::pair<std::uint64_t, std::string>> closed;
  std::size_t datagram_max = 1200;
  std::size_t refused_datagram_bytes = 0;
  std::size_t write_count = 0;
  bool awaits_bidirectional = false;
  bool awaits_unidirectional = false;
  std::size_t bidirectional_left = 100;
  std::size_t unidirectional_left = 100;

 private:
  Role role_;
  StreamId next_bidirectional_ = 0;
  StreamId next_unidirectional_ = 0;
};

class Recorder final : public Visitor {
 public:
  void on_settings(const Settings& peer) override {
    settings = peer;
    log.push_back("settings");
  }
  void on_request(StreamId id, const RequestHead& head) override {
    std::string line = at("request", id);
    for (const std::string_view word : {head.method, head.scheme, head.authority, head.path, head.protocol}) {
      line.append(" ").append(word);
    }
    log.push_back(line + fields(head.fields));
  }
  void on_too_many_fields(StreamId id) override { log.push_back(at("too many fields", id)); }
  void on_response(StreamId id, const ResponseHead& head) override {
    log.push_back(at("response", id) + " " + std::to_string(head.status) + fields(head.fields));
  }
  void on_webtransport_stream(StreamId id, StreamId session, Direction direction) override {
    const char* word = direction == Direction::bidirectional ? " bidirectional" : " unidirectional";
    log.push_back(at("webtransport", id) + " of " + std::to_string(session) + word);
  }
  void on_data(StreamId id, ByteView bytes) override {
    received[id] += as_text(bytes);
    if (log.empty() || log.back() != at("data", id)) log.push_back(at("data", id));
    if (connection != nullptr) connection->consume(id, bytes.size());
  }
  void on_fin(StreamId id) override { log.push_back(at("fin", id)); }
  void on_reset(StreamId id, std::uint64_t code) override {
    log.push_back(at("reset", id) + " " + std::to_string(code));
  }
  void on_stop_sending(StreamId id, std::uint64_t code) override {
    log.push_back(at("stop", id) + " " + std::to_string(code));
  }
  void on_stream_error(StreamId id, Error broken) override {
    log.push_back(at("stream error", id) + " " + std::string{describe(broken)});
    error = broken;
  }
  void on_closed(StreamId id) override { log.push_back(at("closed", id)); }
  void on_datagram(StreamId id, ByteView payload) override {
    log.push_back(at("datagram", id) + " " + std::string{as_text(payload)});
  }
  void on_goaway(std::uint64_t id) override { log.push_back("goaway " + std::to_string(id)); }
  void on_streams_available(Direction) override { log.push_back("streams available"); }
  void on_connection_error(Error broken) override {
    log.push_back("connection error " + std::string{describe(broken)});
    error = broken;
  }

  Log log;
  std::map<StreamId, std::string> received;
  std::optional<Error> error;
  std::optional<Settings> settings;
  Connection* connection = nullptr;  ///< to consume what comes, at once

 private:
  static std::string at(std::string_view what, StreamId id) { return std::string{what} + " " + std::to_string(id); }
  static std::string fields(const http::Fields& fields) {
    std::string text;
    for (const http::Field& field : fields) text.append(" ").append(field.name).append("=").append(field.value);
    return text;
  }
};

/// A connection with all that it needs. With WebTransport unless told otherwise.
struct Endpoint {
  explicit Endpoint(Role role, const Settings& settings = webtransport_settings())
      : options{.role = role, .settings = settings}, streams{role} {
    recorder.connection = &connection;
  }
  /// Bytes for a stream, in pieces.
  void feed(StreamId id, const Buffer& bytes, bool fin = false, std::size_t piece_bytes = SIZE_MAX) {
    std::size_t at = 0;
    do {
      const std::size_t end = at + std::min(piece_bytes, bytes.size() - at);
      const Buffer exact(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                         bytes.begin() + static_cast<std::ptrdiff_t>(end));
      at = end;
      connection.handle_stream_data(id, exact, fin && at == bytes.size());
    } while (at < bytes.size());
  }
  [[nodiscard]] const Buffer& sent(StreamId id) { return streams.streams[id].bytes; }

  Options options;
  FakeStreams streams;
  Recorder recorder;
  Qpack qpack;
  Connection connection{options, streams, recorder, qpack};
};

/// The error code that the standards demand for a rule, and whether it is a connection error.
std::uint64_t standard_code_of(Error error);
bool ends_connection(Error error);

struct Arrival {
  StreamId id;
  Buffer bytes;
  bool fin = false;
};

/// The rule that was broken at the end of these, if any; it must be the one that closed the connection or the stream.
std::optional<Error> error_of(Role role, const std::vector<Arrival>& arrivals,
                              const Settings& settings = webtransport_settings());
std::optional<Error> server_error(const std::vector<Arrival>& arrivals);
std::optional<Error> client_error(const std::vector<Arrival>& arrivals);
/// Of the peer's first unidirectional stream, which is the same in both roles.
std::optional<Error> uni_error(const Buffer& bytes, bool fin = false);
/// Of one request.
std::optional<Error> request_error(const HeadLines& lines);
/// Of what a server sends on the stream of a client's GET.
std::optional<Error> response_error(const Buffer& bytes, std::string_view method = "GET", bool fin = true);

}  // namespace plait::h3
