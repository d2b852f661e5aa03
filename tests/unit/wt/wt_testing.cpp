#include <gtest/gtest.h>

#include "unit/wt/wt_testing.hpp"

namespace plait::wt {

void Endpoint::feed_settings(const h3::Settings& peer) {
  core::VectorSink payload;
  h3::encode_settings(peer, payload);
  feed(options.role == Role::server ? 2 : 3, h3::control(payload.bytes));
}

StreamId Endpoint::connect() {
  const auto dialect = connect_dialect(*connection.peer_settings());
  const auto id = connection.request({.method = "CONNECT",
                                      .scheme = "https",
                                      .authority = "localhost:4433",
                                      .path = "/echo",
                                      .protocol = dialect.protocol},
                                     false);
  EXPECT_TRUE(id.has_value());
  EXPECT_TRUE(sessions.begin(*id));
  return *id;
}

void Endpoint::accept(StreamId id) {
  const auto session = sessions.accept(id, logs[id]);
  if (!session) {
    accept_error = session.error();
    return;
  }
  logs[id].session = *session;
  if (options.role == Role::server) {
    EXPECT_TRUE(connection.respond(id, 200, {}, false));
  }
  sessions.deliver_early(id);
}

void Endpoint::on_request(StreamId id, const h3::RequestHead& head) {
  if (!is_connect_protocol(head.protocol) || !sessions.begin(id)) {
    EXPECT_TRUE(connection.respond(id, 429, {}, true));
    return;
  }
  if (accepts) accept(id);
}

void Endpoint::on_response(StreamId id, const h3::ResponseHead& head) {
  if (head.is_interim()) return;
  if (head.status == 200) {
    accept(id);
  } else {
    sessions.reject(id);
  }
}

Capsules Endpoint::sent_capsules(StreamId id) {
  Buffer content;
  ByteView rest{out(id).bytes};
  while (!rest.empty()) {
    h3::HeaderReader header;
    EXPECT_TRUE(header.read(rest));
    const ByteView payload = rest.first(header.length());
    if (header.type() == h3::frame_type::kData) content = std::move(content) + to_buffer(payload);
    rest = rest.subspan(payload.size());
  }
  http::CapsuleDecoder decoder{[](std::uint64_t) { return true; }};
  Capsules capsules;
  rest = content;
  for (;;) {
    const auto capsule = decoder.next(rest);
    EXPECT_TRUE(capsule.has_value());
    if (!capsule || !*capsule) break;
    capsules.emplace_back((*capsule)->type, to_buffer((*capsule)->value));
  }
  EXPECT_TRUE(decoder.finish().has_value());
  return capsules;
}

std::unique_ptr<Endpoint> make_server(const h3::Settings& peer, const h3::Settings& local) {
  auto server = std::make_unique<Endpoint>(Role::server, local);
  server->connection.handle_ready();
  server->feed_settings(peer);
  server->feed_connect(0);
  EXPECT_NE(server->log().session, nullptr);
  return server;
}

std::unique_ptr<Endpoint> make_limited_server(const h3::WebTransportSettings& peer) {
  return make_server(draft14(peer), h3::webtransport_settings(limits(100, 4, 4)));
}

// --- Two endpoints --------------------------------------------------------------------------------------------------

void Wire::run() {
  for (int round = 0; round < 1000; ++round) {
    const bool first = carry(client_, server_, from_client_);
    const bool second = carry(server_, client_, from_server_);
    const bool third = close_finished();
    if (!first && !second && !third) return;
  }
  FAIL() << "no end";
}

bool Wire::carry(Endpoint& from, Endpoint& to, std::map<StreamId, End>& ends) {
  bool moved = false;
  std::vector<StreamId> ids;
  for (const auto& [id, out] : from.streams.streams) ids.push_back(id);
  for (const StreamId id : ids) moved = carry_stream(from, to, id, ends[id]) || moved;
  for (const Buffer& datagram : std::exchange(from.streams.datagrams, {})) {
    to.connection.handle_datagram(datagram);
    moved = true;
  }
  return moved;
}

bool Wire::carry_stream(Endpoint& from, Endpoint& to, StreamId id, End& end) {
  bool moved = false;
  if (FakeStreams::Out& out = from.out(id); !end.finished && out.delivered < out.bytes.size()) {
    const Buffer piece(out.bytes.begin() + static_cast<std::ptrdiff_t>(out.delivered), out.bytes.end());
    out.delivered = out.bytes.size();
    to.feed(id, piece);
    moved = true;
  }
  if (FakeStreams::Out& out = from.out(id); !end.finished && out.delivered == out.bytes.size()) {
    if (out.fin) {
      end.finished = true;
      to.feed(id, {}, true);
      moved = true;
    } else if (out.reset) {
      end.finished = true;
      to.final_size = out.bytes.size();
      to.connection.handle_stream_reset(id, *out.reset);
      moved = true;
    }
  }
  if (const auto code = from.out(id).stopped; code && !end.stopped) {
    end.stopped = true;
    moved = true;
    if (!to.out(id).reset && !to.out(id).fin) {
      to.streams.reset(id, *code);
      to.connection.handle_stop_sending(id, *code);
    }
  }
  return moved;
}

bool Wire::close_finished() {
  bool moved = false;
  std::vector<StreamId> ids;
  for (const auto& [id, end] : from_client_) ids.push_back(id);
  for (const auto& [id, end] : from_server_) ids.push_back(id);
  for (const StreamId id : ids) {
    const bool bidirectional = h3::direction_of(id) == Direction::bidirectional;
    const bool client_over = from_client_[id].finished || (!bidirectional && (id & 1) == 1);
    const bool server_over = from_server_[id].finished || (!bidirectional && (id & 1) == 0);
    if (!client_over || !server_over || std::exchange(from_client_[id].closed, true)) continue;
    client_.connection.handle_stream_closed(id);
    server_.connection.handle_stream_closed(id);
    moved = true;
  }
  return moved;
}

}  // namespace plait::wt
