// Two WebTransport sessions on an HTTP/3 connection, the peer's input and our own calls in turns. Capsules whole and in
// pieces must give the same events and the same output. Nothing is reported after the end of a session; no more is sent
// than the peer allowed; credit never returns twice, and all of it has returned once the sessions have ended.
//
// The first byte is the size of the pieces (bits 0-5), whether the peer speaks draft 15 (bit 6) and has limits (bit 7).
// Then records: a byte with what happens (bits 0-3) and to which session (bit 4), a byte that names a stream or a
// number, a byte of length, that many bytes.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/byte_sink.hpp"
#include "h3/capsule_type.hpp"
#include "h3/frame.hpp"
#include "wt/sessions.hpp"

namespace {

using namespace plait;
using namespace plait::wt;

void require(bool holds) {
  if (!holds) std::abort();
}

h3::Settings settings_with_limits(std::uint64_t data, std::uint64_t streams) {
  return h3::webtransport_settings({.sessions_max_draft13 = 4,
                                    .initial_data = data,
                                    .initial_streams_uni = streams,
                                    .initial_streams_bidi = streams});
}

constexpr std::uint64_t kOurData = 200;
constexpr std::uint64_t kPeerData = 50;

class MemoryStreams final : public h3::Streams {
 public:
  std::optional<StreamId> open(Direction direction) override {
    const bool unidirectional = direction == Direction::unidirectional;
    return 4 * next_[unidirectional ? 1 : 0]++ + (unidirectional ? 3 : 1);
  }
  void await_streams(Direction /*direction*/) override {}
  void write(StreamId id, Bytes bytes, bool fin) override {
    written[id] += bytes.text();
    if (fin) log += "fin " + std::to_string(id) + "\n";
  }
  void reset(StreamId id, std::uint64_t code) override { add("reset", id, code); }
  void stop_sending(StreamId id, std::uint64_t code) override { add("stop", id, code); }
  void consume(StreamId id, std::size_t bytes) override { consumed[id] += bytes; }
  void close(std::uint64_t, std::string_view) override {}
  [[nodiscard]] std::size_t datagram_bytes_max() const override { return 1200; }
  bool send_datagram(ByteView) override { return true; }

  std::map<StreamId, std::string> written;
  std::map<StreamId, std::size_t> consumed;
  std::string log;

 private:
  void add(std::string_view what, StreamId id, std::uint64_t code) {
    log.append(what).append(" ").append(std::to_string(id)).append(" ").append(std::to_string(code)).append("\n");
  }
  StreamId next_[2] = {};
};

class EventLog final : public SessionVisitor {
 public:
  void on_stream(StreamId id, Direction) override { add("stream", id); }
  void on_stream_data(StreamId id, ByteView data, bool fin) override {
    require(fin || !data.empty());
    add(fin ? "fin" : "data", id, as_text(data));
  }
  void on_stream_reset(StreamId id, std::optional<std::uint32_t> code) override {
    add("reset", id, std::to_string(code.value_or(0)));
  }
  void on_stop_sending(StreamId id, std::optional<std::uint32_t> code) override {
    add("stop", id, std::to_string(code.value_or(0)));
  }
  void on_stream_closed(StreamId id) override { add("closed", id); }
  void on_stream_writable(StreamId id) override {
    require(session->buffered_bytes(id) == 0);
    add("writable", id);
    if (id % 8 == 1) session->write(id, Bytes::copy_of("written from inside"), false);
    if (id % 8 == 7) session->close(7, "closed from inside");
  }
  void on_streams_available(Direction direction) override { add("available", static_cast<StreamId>(direction)); }
  void on_datagram(ByteView payload) override { add("datagram", 0, as_text(payload)); }
  void on_draining() override { add("draining", 0); }
  void on_closed(const CloseInfo& info) override {
    add(info.clean ? "over" : "broken", info.code, info.reason);
    require(!info.error || (!info.clean && describe(*info.error) != "no error"));
    over = true;
  }

  std::string log;
  bool over = false;
  wt::Session* session = nullptr;

 private:
  void add(std::string_view what, StreamId id, std::string_view text = {}) {
    require(!over);
    log.append(what).append(" ").append(std::to_string(id)).append(" ").append(text).append("\n");
  }
};

class Transport final : public h3::Visitor {
 public:
  explicit Transport(const h3::Settings& peer);
  void handle(unsigned what, StreamId session, StreamId id, ByteView bytes, std::size_t piece_bytes);
  void finish();

  std::string log() { return events[0].log + "\n" + events[4].log + "\n" + streams.log; }

  void on_settings(const h3::Settings&) override {}
  void on_request(StreamId id, const h3::RequestHead&) override {
    if (sessions.begin(id)) require(connection.respond(id, 200, {}, false).has_value());
  }
  void on_too_many_fields(StreamId) override {}
  void on_response(StreamId, const h3::ResponseHead&) override {}
  void on_webtransport_stream(StreamId id, StreamId session, Direction direction) override {
    sessions.handle_stream(id, session, direction, now_);
  }
  void on_data(StreamId id, ByteView data) override { require(sessions.handle_data(id, data)); }
  void on_fin(StreamId id) override { require(sessions.handle_fin(id)); }
  void on_reset(StreamId id, std::uint64_t code) override { sessions.handle_reset(id, code, final_size_); }
  void on_stop_sending(StreamId id, std::uint64_t code) override { sessions.handle_stop_sending(id, code); }
  void on_stream_error(StreamId id, h3::Error) override { sessions.handle_stream_error(id); }
  void on_closed(StreamId id) override { sessions.handle_closed(id); }
  void on_datagram(StreamId id, ByteView payload) override { sessions.handle_datagram(id, payload, now_); }
  void on_goaway(std::uint64_t) override { sessions.handle_goaway(); }
  void on_streams_available(Direction direction) override { sessions.handle_streams_available(direction); }
  void on_connection_error(h3::Error) override { sessions.handle_connection_closed(); }

 private:
  void feed(StreamId id, ByteView bytes, bool fin);
  void feed_capsules(StreamId session, ByteView bytes, std::size_t piece_bytes);
  void feed_stream(StreamId session, StreamId id, ByteView bytes, bool fin);
  void end_stream(StreamId id, std::optional<std::size_t> missing_bytes);
  void accept(StreamId id);
  void operate(unsigned what, StreamId session, StreamId id, ByteView bytes);
  void check_sent();

  h3::Options options_{.role = h3::Role::server, .settings = settings_with_limits(kOurData, 4)};
  SessionsOptions session_options_{.settings = options_.settings, .sessions_max = 2};
  h3::Qpack qpack_;
  core::TimePoint now_{};
  std::optional<std::uint64_t> final_size_;
  std::map<StreamId, std::size_t> received_;
  std::uint64_t peer_limit_ = 0;              // of each session, from SETTINGS
  std::map<StreamId, std::string> capsules_;  // all that came on a CONNECT stream
  std::map<StreamId, StreamId> owner_;        // the session of a stream
  std::set<StreamId> begun_;
  std::set<StreamId> ended_;

 public:
  MemoryStreams streams;
  h3::Connection connection{options_, streams, *this, qpack_};
  Sessions sessions{session_options_, connection};
  std::map<StreamId, EventLog> events;
};

Transport::Transport(const h3::Settings& peer) {
  connection.handle_ready();
  core::VectorSink settings;
  h3::encode_settings(peer, settings);
  core::VectorSink control;
  control.append(as_bytes(std::string_view{"\0", 1}));
  control.append(h3::FrameHeader{h3::frame_type::kSettings, settings.bytes.size()}.view());
  control.append(settings.bytes);
  connection.handle_stream_data(2, control.bytes, false);
  peer_limit_ = peer.webtransport.initial_data != 0 ? peer.webtransport.initial_data : ~std::uint64_t{0};
}

void Transport::feed(StreamId id, ByteView bytes, bool fin) {
  if (ended_.contains(id)) return;
  if (fin) ended_.insert(id);
  received_[id] += bytes.size();
  const std::vector<std::uint8_t> exact(bytes.begin(), bytes.end());
  connection.handle_stream_data(id, exact, fin);
}

void Transport::feed_capsules(StreamId session, ByteView bytes, std::size_t piece_bytes) {
  if (!begun_.contains(session)) return;
  capsules_[session] += as_text(bytes);
  while (!bytes.empty()) {
    const ByteView piece = bytes.first(std::min(piece_bytes, bytes.size()));
    bytes = bytes.subspan(piece.size());
    feed(session, h3::FrameHeader{h3::frame_type::kData, piece.size()}.view(), false);
    feed(session, piece, false);
  }
}

void Transport::feed_stream(StreamId session, StreamId id, ByteView bytes, bool fin) {
  if (begun_.insert(id).second) {
    owner_[id] = session;
    const bool bidirectional = h3::direction_of(id) == Direction::bidirectional;
    feed(id, h3::FrameHeader{bidirectional ? 0x41U : 0x54U, static_cast<std::uint64_t>(session)}.view(), false);
  }
  if (!bytes.empty() || fin) feed(id, bytes, fin);
}

void Transport::end_stream(StreamId id, std::optional<std::size_t> missing_bytes) {
  if (missing_bytes) {
    if (!begun_.contains(id) || !ended_.insert(id).second) return;
    final_size_ = received_[id] + *missing_bytes;
    connection.handle_stream_reset(id, 0x52E4A40FA8DB);
  } else if (ended_.contains(id)) {
    connection.handle_stream_closed(id);
  }
}

void Transport::accept(StreamId id) {
  const auto session = sessions.accept(id, events[id]);
  if (!session) return;
  events[id].session = *session;
  sessions.deliver_early(id);
}

// Our own calls.
void Transport::operate(unsigned what, StreamId session, StreamId id, ByteView bytes) {
  wt::Session* ours = events[session].over ? nullptr : events[session].session;
  if (ours == nullptr) return;
  switch (what) {
    case 8:
      if (const auto opened = ours->open_stream(static_cast<Direction>(id & 1))) owner_[*opened] = session;
      return;
    case 9:
      ours->write(id, Bytes::copy_of(bytes), false);
      return;
    case 10:
      ours->write(id, Bytes::copy_of(bytes), true);
      return;
    case 11:
      return ours->consume(id, bytes.size());
    case 12:
      return ours->reset(id, 1);
    case 13:
      return ours->stop_sending(id, 2);
    case 14:
      return ours->drain();
    default:
      return (id & 1) != 0 ? ours->abort() : ours->close(3, as_text(bytes));
  }
}

void Transport::handle(unsigned what, StreamId session, StreamId id, ByteView bytes, std::size_t piece_bytes) {
  const StreamId peers = 8 + 4 * (id & 15) + (id & 16) / 8;
  switch (what) {
    case 0:
      return feed_capsules(session, bytes, piece_bytes);
    case 1:
    case 2:
      return feed_stream(session, peers, bytes, what == 2);
    case 3:
      return end_stream(peers, bytes.size());
    case 4:
      return end_stream(peers, std::nullopt);
    case 5:
      if ((id & 1) != 0) now_ += std::chrono::seconds{id};
      sessions.handle_timeout(now_);
      sessions.handle_datagram(session, bytes, now_);
      return;
    case 6: {
      const h3::RequestHead head{.method = "CONNECT", .scheme = "https", .authority = "a", .path = "/"};
      const http::Field lines[] = {{":method", head.method},
                                   {":scheme", head.scheme},
                                   {":authority", head.authority},
                                   {":path", head.path},
                                   {":protocol", "webtransport"}};
      if (begun_.insert(session).second) feed(session, qpack_.encode_headers(lines).view(), false);
      return (id & 1) != 0 ? accept(session) : void();
    }
    case 7:
      if (!begun_.contains(session)) return;
      if ((id & 1) != 0) return feed(session, {}, true);
      static_cast<void>(connection.handle_stop_sending(peers, 0x100));
      return;
    default:
      return operate(what, session, id, bytes);
  }
}

// No more on streams, without the headers of those that we opened, than the highest limit that the peer gave.
void Transport::check_sent() {
  std::map<StreamId, std::uint64_t> sent;
  for (const auto& [id, session] : owner_) sent[session] += streams.written[id].size() - ((id & 1) != 0 ? 3 : 0);
  for (const StreamId session : {0, 4}) {
    std::uint64_t limit = peer_limit_;
    http::CapsuleDecoder decoder{[](std::uint64_t type) { return type == h3::capsule_type::kMaxData; }};
    ByteView rest = as_bytes(capsules_[session]);
    for (auto capsule = decoder.next(rest); capsule && *capsule; capsule = decoder.next(rest)) {
      limit = std::max(limit, core::decode_varint((*capsule)->value).value);
    }
    require(sent[session] <= limit);
  }
}

void Transport::finish() {
  sessions.handle_timeout(now_ + std::chrono::hours{1});
  for (const StreamId id : {0, 4}) {
    accept(id);
    if (events[id].session != nullptr && !events[id].over) events[id].session->abort();
    require(events[id].session == nullptr || events[id].over);
  }
  for (const StreamId id : begun_) connection.handle_stream_closed(id);
  for (const auto& [id, bytes] : received_) require(streams.consumed[id] == bytes);
  for (const auto& [id, bytes] : streams.consumed) require(bytes == received_[id] || id == 2);
  require(sessions.session_count() == 0 && !sessions.next_timeout());
  check_sent();
}

struct Run {
  std::string log;
  std::map<StreamId, std::string> written;
};

Run run(const h3::Settings& peer, ByteView input, std::size_t piece_bytes) {
  const auto transport = std::make_unique<Transport>(peer);
  while (input.size() >= 3 && !transport->connection.is_closed()) {
    const unsigned what = input[0] & 0x0F;
    const StreamId session = (input[0] & 0x10) != 0 ? 4 : 0;
    const std::size_t size = std::min<std::size_t>(input[2], input.size() - 3);
    transport->handle(what, session, input[1], input.subspan(3, size), piece_bytes);
    input = input.subspan(3 + size);
  }
  Run result{transport->log(), transport->streams.written};
  if (!transport->connection.is_closed()) transport->finish();
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  h3::Settings peer = settings_with_limits((data[0] & 0x80) != 0 ? kPeerData : 0, (data[0] & 0x80) != 0 ? 3 : 0);
  if ((data[0] & 0x40) == 0) peer.webtransport.draft15 = 0;
  const ByteView input{data + 1, size - 1};
  const Run whole = run(peer, input, 256);
  const Run pieces = run(peer, input, 1 + static_cast<std::size_t>(data[0] & 0x3F));
  require(whole.log == pieces.log && whole.written == pieces.written);
  return 0;
}
