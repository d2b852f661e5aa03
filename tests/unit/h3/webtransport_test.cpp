// The streams of WebTransport, what Chromium 156 sends byte by byte, and the same events wherever the bytes are cut.
#include <gtest/gtest.h>

#include "unit/h3/h3_testing.hpp"

namespace plait::h3 {
namespace {

const std::uint64_t kGreaseType = 0x1FULL * 1'234'567'890 + 0x21;

// Stream 2: the SETTINGS of settings_test.cpp, then a GREASE frame.
Buffer chromium_control() {
  const Buffer payload = bytes_of({0x01, 0x80, 0x01, 0x00, 0x00, 0x06, 0x80, 0x00, 0x40, 0x00, 0x07, 0x40, 0x64,
                                   0x33, 0x01, 0x80, 0xFF, 0xD2, 0x77, 0x01, 0xAB, 0x60, 0x37, 0x42, 0x01}) +
                         long_varint(kGreaseType) + long_varint(987'654'321'000);
  return bytes_of({0x00, 0x04, 0x29}) + payload + frame(kGreaseType + 0x1F, Buffer(7, 'g'));
}

// Stream 0: CONNECT, directly followed by a GREASE capsule in a DATA frame.
Buffer chromium_connect() {
  const Buffer capsule = long_varint(0x29ULL * 5 + 0x17) + bytes_of({3, 'a', 'b', 'c'});
  return headers(connect_lines() +
                 HeadLines{{"sec-webtransport-http3-draft02", "1"}, {"origin", "http://127.0.0.1:8000"}}) +
         frame(frame_type::kData, capsule);
}

// close({closeCode: 123, reason: "client done"})
Buffer chromium_close() { return bytes_of({0x00, 0x12, 0x68, 0x43, 0x0F, 0, 0, 0, 0x7B}) + to_buffer("client done"); }

std::vector<Arrival> chromium_session() {
  return {{2, chromium_control()},
          {10, bytes_of({0x02, 0x20})},
          {0, chromium_connect()},
          {4, bytes_of({0x40, 0x41, 0x00}) + to_buffer("bidirectional"), true},
          {14, bytes_of({0x40, 0x54, 0x00}) + to_buffer("unidirectional"), true},
          {0, chromium_close(), true}};
}

void feed_all(Endpoint& server, const std::vector<Arrival>& arrivals, std::size_t piece_bytes) {
  server.connection.handle_ready();
  for (const Arrival& arrival : arrivals) server.feed(arrival.id, arrival.bytes, arrival.fin, piece_bytes);
}

TEST(H3WebTransport, WhatChromium156Sends) {
  Endpoint server{Role::server};
  feed_all(server, chromium_session(), SIZE_MAX);
  EXPECT_EQ(server.recorder.log,
            (Log{"settings",
                 "request 0 CONNECT https localhost:4433 /echo webtransport sec-webtransport-http3-draft02=1"
                 " origin=http://127.0.0.1:8000",
                 "data 0", "webtransport 4 of 0 bidirectional", "data 4", "fin 4",
                 "webtransport 14 of 0 unidirectional", "data 14", "fin 14", "data 0", "fin 0"}));
  EXPECT_EQ(server.recorder.received[4], "bidirectional");
  EXPECT_EQ(server.recorder.received[14], "unidirectional");
  const std::string capsules = server.recorder.received[0];
  EXPECT_EQ(capsules.substr(capsules.size() - 11), "client done");
  server.connection.handle_datagram(bytes_of({0x00, 'd'}));
  EXPECT_EQ(server.recorder.log.back(), "datagram 0 d");
}

TEST(H3WebTransport, SplitAnywhereGivesTheSameEvents) {
  Endpoint whole{Role::server};
  feed_all(whole, chromium_session(), SIZE_MAX);
  for (std::size_t piece = 1; piece < 200; ++piece) {
    Endpoint server{Role::server};
    feed_all(server, chromium_session(), piece);
    ASSERT_EQ(server.recorder.log, whole.recorder.log) << piece;
    ASSERT_EQ(server.recorder.received, whole.recorder.received) << piece;
  }
}

TEST(H3WebTransport, AllCreditReturnsHoweverTheBytesAreCut) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, std::size_t{7}, SIZE_MAX}) {
    Endpoint server{Role::server};
    feed_all(server, chromium_session(), piece);
    std::map<StreamId, std::size_t> sent;
    for (const Arrival& arrival : chromium_session()) sent[arrival.id] += arrival.bytes.size();
    for (const auto& [id, bytes] : sent) EXPECT_EQ(server.streams.streams[id].consumed, bytes) << id;
  }
}

TEST(H3WebTransport, CreditOfContentIsTheVisitors) {
  Endpoint server{Role::server};
  server.recorder.connection = nullptr;
  feed_all(server, chromium_session(), 5);
  EXPECT_EQ(server.streams.streams[4].consumed, 3U);
  EXPECT_EQ(server.streams.streams[14].consumed, 3U);
  EXPECT_EQ(server.streams.streams[10].consumed, 2U);
  EXPECT_EQ(server.streams.streams[0].consumed + server.recorder.received[0].size(),
            chromium_connect().size() + chromium_close().size());
}

TEST(H3WebTransport, HeadersMayBeLongerThanNeededAndCutAnywhere) {
  for (const auto& [id, type] : {std::pair<StreamId, std::uint64_t>{4, 0x41}, {2, 0x54}}) {
    const Buffer header = long_varint(type) + long_varint(0x100);
    for (std::size_t cut = 0; cut <= header.size(); ++cut) {
      Endpoint server{Role::server};
      const auto at = header.begin() + static_cast<std::ptrdiff_t>(cut);
      server.feed(id, Buffer(header.begin(), at));
      EXPECT_EQ(server.recorder.log.empty(), cut < header.size());
      server.feed(id, Buffer(at, header.end()) + to_buffer("x"));
      ASSERT_EQ(server.recorder.log.size(), 2U) << cut;
      EXPECT_TRUE(server.recorder.log[0].find("of 256") != std::string::npos);
      EXPECT_EQ(server.recorder.received[id], "x");
    }
  }
}

TEST(H3WebTransport, ResetStopAndCloseAreForwarded) {
  Endpoint server{Role::server};
  server.feed(4, bytes_of({0x40, 0x41, 0x00, 'a'}));
  server.connection.handle_stream_reset(4, 0x52E4A40FA92A);
  server.connection.handle_stop_sending(4, 0x52E4A40FA92B);
  server.connection.handle_stream_closed(4);
  EXPECT_EQ(server.recorder.log, (Log{"webtransport 4 of 0 bidirectional", "data 4", "reset 4 91141958510890",
                                      "stop 4 91141958510891", "closed 4"}));
  EXPECT_EQ(server.connection.stream_count(), 0U);
}

TEST(H3WebTransport, AStreamThatIsResetBeforeItsHeaderIsNobodys) {
  Endpoint server{Role::server};
  server.feed(4, bytes_of({0x40}));
  server.connection.handle_stream_reset(4, 7);
  server.connection.handle_stream_reset(8, 7);
  EXPECT_EQ(server.recorder.log, Log{});
  EXPECT_TRUE(server.streams.streams[4].reset.has_value()) << "our side ends, too";
  EXPECT_TRUE(server.streams.streams[8].reset.has_value());
  EXPECT_EQ(server.streams.streams[4].consumed, 1U);
  server.connection.handle_stream_closed(4);
  EXPECT_EQ(server.recorder.log, Log{});
  EXPECT_EQ(server.connection.stream_count(), 0U);
}

TEST(H3WebTransport, OpensStreamsOfBothDirections) {
  Endpoint server{Role::server};
  server.connection.handle_ready();
  const auto bidirectional = server.connection.open_webtransport_stream(Direction::bidirectional, 0);
  const auto unidirectional = server.connection.open_webtransport_stream(Direction::unidirectional, 0x40);
  ASSERT_TRUE(bidirectional && unidirectional);
  EXPECT_EQ(*bidirectional, 1);
  EXPECT_EQ(*unidirectional, 7);
  server.connection.send_unframed(*bidirectional, Bytes::copy_of("hello"), true);
  EXPECT_EQ(server.sent(*bidirectional), bytes_of({0x40, 0x41, 0x00}) + to_buffer("hello"));
  EXPECT_TRUE(server.streams.streams[*bidirectional].fin);
  EXPECT_EQ(server.sent(*unidirectional), bytes_of({0x40, 0x54, 0x40, 0x40}));
  server.feed(*bidirectional, to_buffer("answer"), true);
  EXPECT_EQ(server.recorder.log, (Log{"data 1", "fin 1"}));
}

TEST(H3WebTransport, TheStreamLimitIsReported) {
  Endpoint server{Role::server};
  server.streams.bidirectional_left = 0;
  const auto id = server.connection.open_webtransport_stream(Direction::bidirectional, 0);
  ASSERT_FALSE(id.has_value());
  EXPECT_EQ(id.error(), SendError::stream_limit);
  server.connection.handle_streams_available(Direction::bidirectional);
  EXPECT_EQ(server.recorder.log, (Log{"streams available"}));
}

// PyWebTransport up to 0.10: capsules directly after HEADERS.
TEST(H3WebTransport, CapsulesOutsideOfDataArePassedOnAsTheyAre) {
  const Buffer max_data = varint(0x190B4D3D) + bytes_of({2, 0x47, 0xD0});
  const Buffer close = varint(0x2843) + bytes_of({6, 0, 0, 0, 1, 'o', 'k'});
  const Buffer stream =
      headers(connect_lines()) + max_data + data("in DATA") + long_varint(0x78AE) + bytes_of({0}) + close;
  const Buffer content = max_data + to_buffer("in DATA") + long_varint(0x78AE) + bytes_of({0}) + close;
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    Endpoint server{Role::server};
    server.feed(0, headers(connect_lines()));
    EXPECT_FALSE(server.connection.uses_unframed_capsules(0));
    server.feed(0, Buffer(stream.begin() + static_cast<std::ptrdiff_t>(headers(connect_lines()).size()), stream.end()),
                true, piece);
    EXPECT_EQ(to_buffer(server.recorder.received[0]), content) << piece;
    EXPECT_TRUE(server.connection.uses_unframed_capsules(0));
    EXPECT_EQ(server.streams.streams[0].consumed, stream.size()) << piece;
    EXPECT_EQ(server.recorder.log.back(), "fin 0");
  }
}

TEST(H3WebTransport, CapsuleTypesElsewhereAreUnknownFrames) {
  Endpoint server{Role::server};
  server.feed(0, headers(post_lines()) + frame(0x2843, bytes_of({1, 2, 3})), true);
  EXPECT_EQ(server.recorder.log, (Log{"request 0 POST https localhost:4433 / ", "fin 0"}));
  Endpoint off{Role::server, http3_settings()};
  off.feed(0, headers({{":method", "CONNECT"}, {":authority", "a:1"}}) + frame(0x2843, bytes_of({1})), true);
  EXPECT_EQ(off.recorder.log, (Log{"request 0 CONNECT  a:1  ", "fin 0"}));
}

TEST(H3WebTransport, DatagramsNeedThePeersSettings) {
  Endpoint server{Role::server};
  EXPECT_FALSE(server.connection.send_datagram(0, as_bytes("early")));
  EXPECT_EQ(server.connection.datagram_bytes_max(0), 0U);
  server.feed(2, control(one_setting(0xFFD277, 1)));
  EXPECT_EQ(server.connection.datagram_bytes_max(0), 1199U);
  EXPECT_EQ(server.connection.datagram_bytes_max(0x400), 1198U);
  EXPECT_TRUE(server.connection.send_datagram(0x400, as_bytes("now")));
  EXPECT_EQ(server.streams.datagrams, (std::vector<Buffer>{bytes_of({0x41, 0x00}) + to_buffer("now")}));
  EXPECT_FALSE(server.connection.send_datagram(0, Buffer(1200, 'x')));
  EXPECT_EQ(server.streams.refused_datagram_bytes, 1201U) << "QUIC looks for larger packets then";
  EXPECT_TRUE(server.connection.send_datagram(0, Buffer(1199, 'x')));
  server.streams.datagram_max = 65'000;
  EXPECT_TRUE(server.connection.send_datagram(0, Buffer(64'999, 'y')));
  EXPECT_EQ(server.streams.datagrams.back(), bytes_of({0x00}) + Buffer(64'999, 'y'));
}

TEST(H3WebTransport, DatagramsOfAPeerThatSaidNothingAboutThemAreNotSent) {
  Endpoint server{Role::server};
  server.feed(2, control(one_setting(0x33, 0)));
  EXPECT_FALSE(server.connection.send_datagram(0, as_bytes("x")));
  Endpoint off{Role::server, http3_settings()};
  off.feed(2, control());
  EXPECT_FALSE(off.connection.send_datagram(0, as_bytes("x")));
  off.connection.handle_datagram(bytes_of({0x00, 'd'}));
  EXPECT_EQ(off.recorder.log, (Log{"settings"}));
}

}  // namespace
}  // namespace plait::h3
