// A whole h3::Connection, either role: streams of the peer's in turns, whole and in pieces, must give the same events;
// credit returns for every byte and never for more; nothing follows a connection error; a request that was accepted
// and is sent again by our client arrives as the same request; SETTINGS survive encoding.
//
// The first byte is the role (bit 0) and the size of the pieces. Then records: a byte with a stream ID (bits 0-4), FIN
// (bit 7) and RESET_STREAM (bit 6), a byte of length, that many bytes. Stream ID 31 stands for a datagram.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/byte_sink.hpp"
#include "h3/connection.hpp"

namespace {

using namespace plait;
using namespace plait::h3;

constexpr StreamId kDatagram = 31;

void require(bool holds) {
  if (!holds) std::abort();
}

class MemoryStreams final : public Streams {
 public:
  explicit MemoryStreams(Role role) : initiator_(role == Role::server ? 1 : 0) {}
  std::optional<StreamId> open(Direction direction) override {
    const bool unidirectional = direction == Direction::unidirectional;
    return 4 * next_[unidirectional ? 1 : 0]++ + (unidirectional ? 2 : 0) + initiator_;
  }
  void await_streams(Direction /*direction*/) override {}
  void write(StreamId id, Bytes bytes, bool) override { written[id] += bytes.text(); }
  void reset(StreamId, std::uint64_t) override {}
  void stop_sending(StreamId, std::uint64_t) override {}
  void consume(StreamId id, std::size_t bytes) override { consumed[id] += bytes; }
  void close(std::uint64_t, std::string_view) override { require(!std::exchange(closed, true)); }
  [[nodiscard]] std::size_t datagram_bytes_max() const override { return 1200; }
  bool send_datagram(ByteView) override { return true; }

  std::map<StreamId, std::string> written;
  std::map<StreamId, std::size_t> consumed;
  bool closed = false;

 private:
  StreamId initiator_;
  StreamId next_[2] = {};
};

class EventLog final : public Visitor {
 public:
  void on_settings(const Settings& peer) override {
    add("settings", 0, {});
    core::VectorSink out;
    encode_settings(peer, out);
    const auto again = decode_settings(out.bytes);
    require(again && *again == peer);
  }
  void on_request(StreamId id, const RequestHead& head) override;
  void on_too_many_fields(StreamId id) override { add("too many fields", id, {}); }
  void on_response(StreamId id, const ResponseHead& head) override {
    add("response", id, std::to_string(head.status));
    add_fields(head.fields);
  }
  void on_webtransport_stream(StreamId id, StreamId session, Direction) override {
    add("webtransport", id, std::to_string(session));
  }
  void on_data(StreamId id, ByteView data) override {
    require(!data.empty() && !failed_);
    if (last_data_ != id) add("data", id, {});
    last_data_ = id;
    content[id] += as_text(data);
    connection->consume(id, data.size());
  }
  void on_fin(StreamId id) override { add("fin", id, {}); }
  void on_reset(StreamId id, std::uint64_t error_code) override { add("reset", id, std::to_string(error_code)); }
  void on_stop_sending(StreamId id, std::uint64_t) override { add("stop", id, {}); }
  void on_stream_error(StreamId id, h3::Error error) override { add("error", id, describe(error)); }
  void on_closed(StreamId id) override { add("closed", id, {}); }
  void on_datagram(StreamId id, ByteView payload) override { add("datagram", id, as_text(payload)); }
  void on_goaway(std::uint64_t id) override { add("goaway", 0, std::to_string(id)); }
  void on_streams_available(Direction) override { add("available", 0, {}); }
  void on_connection_error(h3::Error error) override {
    add("failed", 0, describe(error));
    failed_ = true;
  }

  std::string log;
  std::map<StreamId, std::string> content;
  std::string last_request;
  Connection* connection = nullptr;
  bool sends_again = true;

 private:
  void add(std::string_view what, StreamId id, std::string_view text) {
    require(!failed_);
    last_data_ = -1;
    log.append(what).append(" ").append(std::to_string(id)).append(" ").append(text).append("\n");
  }
  void add_fields(const http::Fields& fields) {
    for (const http::Field& field : fields) log.append(field.name).append("=").append(field.value).append("\n");
  }
  StreamId last_data_ = -1;
  bool failed_ = false;
};

struct Endpoint {
  Endpoint(Role role, bool sends_again) : options{.role = role, .settings = webtransport_settings()}, streams{role} {
    events.connection = &connection;
    events.sends_again = sends_again;
    connection.handle_ready();
  }
  void feed(StreamId id, std::string_view bytes) { connection.handle_stream_data(id, as_bytes(bytes), false); }

  Options options;
  MemoryStreams streams;
  EventLog events;
  Qpack qpack;
  Connection connection{options, streams, events, qpack};
};

void EventLog::on_request(StreamId id, const RequestHead& head) {
  const std::size_t begin = log.size();
  add("request", 0, head.method);
  for (const std::string_view part : {head.scheme, head.authority, head.path, head.protocol}) {
    log.append(part).append("\n");
  }
  add_fields(head.fields);
  last_request = log.substr(begin);
  log.append(std::to_string(id));
  if (!sends_again) return;

  Endpoint client{Role::client, false};
  Endpoint server{Role::server, false};
  client.feed(3, server.streams.written[3]);
  const auto sent = client.connection.request(head, false);
  if (!sent) return require(sent.error() == SendError::field_section_too_large);  // :authority beside Host
  server.feed(*sent, client.streams.written[*sent]);
  require(server.events.last_request == last_request);
}

struct Run {
  std::string log;
  std::map<StreamId, std::string> content;
  bool operator==(const Run&) const = default;
};

// What ended may not go on, and what only we can send does not arrive: QUIC sees to that.
bool may_arrive(StreamId id, Role role, const std::set<StreamId>& ended) {
  const bool ours = (id & 1) == (role == Role::server ? 1 : 0);
  return !ended.contains(id) && (!ours || direction_of(id) == Direction::bidirectional);
}

void check_credit(const Endpoint& endpoint, const std::map<StreamId, std::size_t>& received) {
  for (const auto& [id, bytes] : endpoint.streams.consumed) {
    const auto found = received.find(id);
    require(found != received.end() && bytes <= found->second);
  }
  if (endpoint.connection.is_closed()) return;
  for (const auto& [id, bytes] : received) {
    const auto found = endpoint.streams.consumed.find(id);
    const std::size_t consumed = found != endpoint.streams.consumed.end() ? found->second : 0;
    require(bytes - consumed < kFrameHeaderBytesMax);  // the beginning of a frame's header is kept
  }
}

// What is open on our side before the peer's bytes: a server has a WebTransport stream, 1; a client two requests, 0
// and 4.
void open_local_streams(Endpoint& endpoint, Role role) {
  if (role == Role::server) {
    require(endpoint.connection.open_webtransport_stream(Direction::bidirectional, 0).has_value());
    return;
  }
  Endpoint server{Role::server, false};
  endpoint.feed(3, server.streams.written[3]);
  RequestHead head{.method = "CONNECT", .scheme = "https", .authority = "a", .path = "/", .protocol = "webtransport"};
  require(endpoint.connection.request(head, false).has_value());
  head.method = "GET";
  head.protocol = {};
  require(endpoint.connection.request(head, true).has_value());
  endpoint.streams.consumed.clear();
}

Run run(Role role, ByteView input, std::size_t piece_bytes) {
  Endpoint endpoint{role, true};
  open_local_streams(endpoint, role);
  std::map<StreamId, std::size_t> received;
  std::set<StreamId> ended = {8, 12, 16, 20, 24, 28};  // not opened by us
  if (role == Role::server) ended = {5, 9, 13, 17, 21, 25, 29};
  while (input.size() >= 2) {
    const StreamId id = input[0] & 0x1F;
    const bool fin = (input[0] & 0x80) != 0;
    const bool reset = (input[0] & 0x40) != 0;
    const std::size_t size = std::min<std::size_t>(input[1], input.size() - 2);
    ByteView bytes = input.subspan(2, size);
    input = input.subspan(2 + size);
    if (id == kDatagram) {
      endpoint.connection.handle_datagram(bytes);
      continue;
    }
    if (!may_arrive(id, role, ended) || endpoint.connection.is_closed()) continue;
    received[id] += bytes.size();
    do {
      const ByteView piece = bytes.first(std::min(piece_bytes, bytes.size()));
      bytes = bytes.subspan(piece.size());
      const std::vector<std::uint8_t> exact(piece.begin(), piece.end());
      endpoint.connection.handle_stream_data(id, exact, fin && bytes.empty());
    } while (!bytes.empty());
    if (reset && !fin) endpoint.connection.handle_stream_reset(id, 7);
    if (reset || fin) ended.insert(id);
  }
  require(endpoint.streams.closed == endpoint.connection.is_closed());
  check_credit(endpoint, received);
  return {endpoint.events.log, endpoint.events.content};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Role role = (data[0] & 1) != 0 ? Role::client : Role::server;
  const ByteView input{data + 1, size - 1};
  require(run(role, input, 256) == run(role, input, 1 + static_cast<std::size_t>(data[0] >> 1)));
  return 0;
}
