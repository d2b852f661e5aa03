// What a client may do to an HTTP/3 server that keeps the rules of QUIC and few others.
#include <stdexcept>

#include "h3/error.hpp"
#include "h3/qpack.hpp"
#include "integration/server/raw_frames.hpp"
#include "integration/server/raw_quic.hpp"
#include "integration/server/stream_calls.hpp"
#include "wt/error_code.hpp"

namespace plait::test {
namespace {

using quic::Direction;

class QuicAttack : public SecureServer, public testing::Test {
 protected:
  void start(HandlerFactory factory, ServerOptions options = {}) {
    make(std::move(options));
    url_ = server_->listen("https", std::move(factory), "/wt");
    server_->server().http("/big", [](const HttpRequest&) { return HttpResponse{.body = pattern(200'000)}; });
    server_->server().http("/size", [](const HttpRequest& request) {
      return HttpResponse{.body = std::to_string(request.body().size())};
    });
    server_->server().http("/counted", [this](const HttpRequest&) {
      ++counted_;
      return HttpResponse{.body = std::string(kCountedBytes, 'x')};
    });
    server_->server().http("/short", [this](const HttpRequest&) {
      ++counted_;
      return HttpResponse{.body = std::string(kShortBytes, 'x')};
    });
    server_->start();
  }
  [[nodiscard]] std::unique_ptr<RawQuic> connected(bool settings = true) const {
    auto peer = std::make_unique<RawQuic>(port_of(url_));
    if (!peer->turn_until_ready()) throw std::runtime_error{"the handshake was not done"};
    if (settings) peer->open(Direction::unidirectional, raw::control_stream());
    return peer;
  }
  static int status_of(const std::string& response) {
    for (const int status : {100, 200, 408, 413, 429, 431, 503}) {
      const std::string text = std::to_string(status);
      h3::Qpack qpack;
      const std::size_t begin = 2;  // of the frame: its type and a length of one byte, or of two
      const std::size_t skip = response.size() > 1 && (response[1] & 0x40) != 0 ? begin + 1 : begin;
      if (response.size() < skip) return 0;
      const std::size_t length = skip == begin
                                     ? static_cast<std::size_t>(response[1] & 0x3f)
                                     : static_cast<std::size_t>((response[1] & 0x3f) << 8 | (response[2] & 0xff));
      const auto section =
          qpack.decode(as_bytes(response.substr(skip, length)), {.bytes_max = 65536, .fields_max = 100});
      if (section && section->lines().find(":status") == text) return status;
    }
    return 0;
  }

  static constexpr std::size_t kCountedBytes = std::size_t{256} << 10;
  static constexpr std::size_t kShortBytes = 3000;
  std::atomic<int> counted_{0};
  std::string url_;
};

TEST_F(QuicAttack, RequestsThatAreCancelledBeforeTheSettingsLeaveNothing) {
  std::atomic<int> asked{0};
  start(calling({.on_request = [&](OpeningRequest& request) {
    ++asked;
    request.accept();
  }}));
  const auto peer = connected(false);
  for (int round = 0; round < 3; ++round) {
    std::vector<std::uint64_t> ids;
    for (int i = 0; i < 10; ++i) ids.push_back(peer->open(Direction::bidirectional, raw::connect("/wt")));
    for (int i = 0; i < 20; ++i) peer->turn_until([] { return true; });
    for (const std::uint64_t id : ids) peer->connection().reset(id, h3::code::kRequestCancelled);
    ASSERT_TRUE(peer->turn_until([&] { return peer->stream(ids.back()).closed; }));
  }
  peer->open(Direction::unidirectional, raw::control_stream());
  const std::uint64_t last = peer->open(Direction::bidirectional, raw::connect("/wt"));
  ASSERT_TRUE(peer->turn_until([&] { return !peer->stream(last).data.empty(); }));
  EXPECT_EQ(asked, 1) << "for those that are gone nobody is asked any more";
}

TEST_F(QuicAttack, Rfc9204Section4_2_TheServerOpensTheControlStreamAlone) {
  start(handler<Echo>());
  const auto peer = connected();
  const std::uint64_t encoder = peer->open(Direction::unidirectional, "\x02");
  peer->open(Direction::unidirectional, "\x03");
  const std::uint64_t session = peer->open(Direction::bidirectional, raw::connect("/wt"));
  ASSERT_TRUE(peer->turn_until([&] { return !peer->stream(session).data.empty(); }));
  EXPECT_FALSE(peer->stream(3).data.empty());
  EXPECT_EQ(peer->stream(7).data, "") << "its second stream";
  peer->write(encoder, "\x21");
  ASSERT_TRUE(peer->turn_until([&] { return peer->closed().has_value(); }));
  EXPECT_EQ(peer->closed()->code, h3::code::kQpackEncoderStreamError) << "the client's are read";
}

// What they bring is dropped, and their ends are on their way when they are stopped: all of it is the session's credit
// again.
TEST_F(QuicAttack, StreamsThatAreStoppedAtTheirFirstByteCostNoCredit) {
  Calls calls{.streams = true};
  calls.on_stream = [](Session&, plait::Stream&) {
    return stream_calling({.on_data = [](plait::Stream& stream, ByteView, bool) { stream.stop(7); }});
  };
  start(calling(std::move(calls)));
  Limits small_packets;
  small_packets.udp_payload_bytes_max = 1200;
  const auto peer = std::make_unique<RawQuic>(port_of(url_), "h3", small_packets);
  ASSERT_TRUE(peer->turn_until_ready());
  peer->open(Direction::unidirectional, raw::control_stream());
  const std::uint64_t session = peer->open(Direction::bidirectional, raw::connect("/wt"));
  ASSERT_TRUE(peer->turn_until([&] { return !peer->stream(session).data.empty(); }));
  const std::string data = raw::stream_of_session(Direction::unidirectional, session) + pattern(9000);
  for (int i = 0; i < 1200;
       ++i) {  // 10 MB of a credit of 16; one at a time, or the congestion window keeps the end back
    const std::uint64_t id = peer->open(Direction::unidirectional, data, true);
    ASSERT_TRUE(peer->turn_until([&] { return peer->stream(id).closed; }));
  }
  const std::string max_data = "\x99\x0B\x4D\x3D";  // the type of the capsule
  EXPECT_TRUE(peer->turn_until([&] { return peer->stream(session).data.find(max_data) != std::string::npos; }));
}

// QUIC tells of it before HTTP/3 knows what the stream is: it was forgotten, and what was written seemed to be sent.
TEST_F(QuicAttack, AStopBeforeTheHeaderOfAStreamIsTold) {
  for (const bool before_the_session : {true, false}) {
    Box<SendStatus> written;
    Box<std::uint32_t> stopped;
    Calls calls{.streams = true};
    calls.on_stream = [&](Session&, plait::Stream& stream) {
      written.set(stream.write(as_bytes("hello")));
      return stream_calling({.on_stop = [&](plait::Stream&, std::uint32_t code) { stopped.set(code); }});
    };
    start(calling(std::move(calls)));
    const auto peer = connected(!before_the_session);
    const std::uint64_t session = peer->open(Direction::bidirectional, raw::connect("/wt"));
    if (!before_the_session) {
      ASSERT_TRUE(peer->turn_until([&] { return !peer->stream(session).data.empty(); }));
    }
    const std::uint64_t id = peer->connection().open(Direction::bidirectional).value();
    peer->connection().stop_sending(id, 0x52E4A40FA8DB + 7);
    ASSERT_TRUE(peer->turn_until([&] { return peer->stream(id).reset.has_value(); }));
    peer->write(id, raw::stream_of_session(Direction::bidirectional, session) + "hi", true);
    for (int i = 0; i < 5; ++i) peer->turn_until([] { return true; });
    if (before_the_session) peer->open(Direction::unidirectional, raw::control_stream());
    EXPECT_TRUE(peer->turn_until([&] { return stopped.get().has_value(); })) << before_the_session;
    EXPECT_EQ(stopped.wait(), 7U);
    EXPECT_EQ(written.wait(), SendStatus::closed);
  }
}

// The limit is that of the handshake, too.
TEST_F(QuicAttack, AConnectionWithoutARequestIsClosed) {
  for (const bool settings : {true, false}) {
    const auto ending = [&](Duration limit) -> std::string {
      ServerOptions options;
      options.limits.handshake_timeout = limit;
      start(handler<Echo>(), options);
      RawQuic peer{port_of(url_)};
      if (!peer.turn_until_ready()) return "no handshake";
      settings ? peer.open(Direction::unidirectional, raw::control_stream())
               : peer.open(Direction::bidirectional, raw::connect("/wt"));
      if (!peer.turn_until([&] { return peer.closed().has_value(); })) return "it was not closed";
      const bool by_http = peer.closed()->kind == quic::CloseReason::Kind::peer_application;
      return by_http ? "code " + std::to_string(peer.closed()->code) : peer.closed()->reason;
    };
    const std::string wanted = "code " + std::to_string(h3::code::kNoError);
    EXPECT_EQ(told_at_a_limit(wanted, ending), wanted) << settings;
  }
}

TEST_F(QuicAttack, AnIdleConnectionIsClosedAndASessionIsNotIdle) {
  ServerOptions options;
  options.limits.keep_alive_timeout = 200ms;
  start(handler<Echo>(), options);
  const auto with_session = connected();
  const std::uint64_t id = with_session->open(Direction::bidirectional, raw::connect("/wt"));
  ASSERT_TRUE(with_session->turn_until([&] { return !with_session->stream(id).data.empty(); }));
  const auto peer = connected();
  const std::uint64_t page = peer->open(Direction::bidirectional, raw::request("GET", "/size"), true);
  ASSERT_TRUE(peer->turn_until([&] { return peer->stream(page).fin; }));
  ASSERT_TRUE(peer->turn_until([&] { return peer->closed().has_value(); },
                               [&] { with_session->turn_until([] { return true; }); }));
  EXPECT_FALSE(with_session->closed());
  with_session->write(id, {}, true);  // the end of the session
  EXPECT_TRUE(with_session->turn_until([&] { return with_session->closed().has_value(); }));
}

TEST_F(QuicAttack, ResponsesThatNobodyReadsAreNotKeptForEver) {
  ServerOptions options;
  options.limits.keep_alive_timeout = 300ms;
  start(handler<Echo>(), options);
  const auto peer = connected();
  peer->consumes = false;
  for (int i = 0; i < 100; ++i) peer->open(Direction::bidirectional, raw::request("GET", "/big"), true);
  EXPECT_TRUE(peer->turn_until([&] { return peer->closed().has_value(); }));
}

// As over HTTP/1.1, where the same holds of what one read brings.
TEST_F(QuicAttack, RequestsWhoseAnswersNobodyTakesWait) {
  constexpr int kRequests = 64;
  start(handler<Echo>());
  const auto peer = connected();
  peer->consumes = false;
  std::vector<std::uint64_t> ids;
  for (int i = 0; i < kRequests; ++i) {
    ids.push_back(peer->open(Direction::bidirectional, raw::request("GET", "/counted"), true));
  }
  ASSERT_TRUE(peer->turn_until([&] { return counted_ > 0; }));
  const auto other = connected();
  const std::uint64_t page = other->open(Direction::bidirectional, raw::request("GET", "/size"), true);
  ASSERT_TRUE(other->turn_until([&] { return other->stream(page).fin; })) << "what came before has been handled";
  EXPECT_LT(counted_, kRequests / 2);
  peer->consumes = true;
  for (const std::uint64_t id : ids) peer->connection().consume(id, peer->stream(id).data.size());
  EXPECT_TRUE(peer->turn_until(
      [&] { return std::ranges::all_of(ids, [&](std::uint64_t id) { return peer->stream(id).fin; }); }));
  EXPECT_EQ(counted_, kRequests);
  for (const std::uint64_t id : ids) EXPECT_GT(peer->stream(id).data.size(), kCountedBytes);
}

// One page, and then one in each round trip: what is on its way was taken for a backlog.
TEST_F(QuicAttack, AnswersThatWereSentKeepNoRequestWaiting) {
  ServerOptions options;
  options.limits.send_high_water_bytes = kShortBytes / 2;
  start(handler<Echo>(), options);
  const auto peer = connected();
  const std::uint64_t big = peer->open(Direction::bidirectional, raw::request("GET", "/big"), true);
  ASSERT_TRUE(peer->turn_until([&] { return peer->stream(big).fin; })) << "the congestion window has grown";
  for (int i = 0; i < 8; ++i) peer->open(Direction::bidirectional, raw::request("GET", "/short"), true);
  ASSERT_TRUE(peer->turn_until([] { return true; })) << "one turn, which sends them";
  EXPECT_TRUE(wait_until([&] { return counted_ >= 3; })) << "nothing is acknowledged meanwhile";
}

TEST_F(QuicAttack, LimitsOfRequestsHold) {
  ServerOptions options;
  options.limits.header_bytes_max = 2000;
  options.limits.header_count_max = 10;
  options.limits.body_bytes_max = 100'000;
  start(handler<Echo>(), options);
  const auto peer = connected();
  const std::vector<std::pair<std::string, std::string>> head{
      {":method", "GET"}, {":scheme", "https"}, {":authority", "localhost"}, {":path", "/size"}};
  auto most = head, many = head, large = head;
  for (int i = 0; i < 10; ++i) most.emplace_back("x" + std::to_string(i), "y");
  for (int i = 0; i < 11; ++i) many.emplace_back("x" + std::to_string(i), "y");
  large.emplace_back("x", std::string(2000, 'y'));
  const std::uint64_t enough = peer->open(Direction::bidirectional, raw::headers(most), true);
  const std::uint64_t too_many = peer->open(Direction::bidirectional, raw::headers(many), true);
  const std::uint64_t too_large = peer->open(Direction::bidirectional, raw::headers(large), true);
  const std::uint64_t body =
      peer->open(Direction::bidirectional, raw::request("POST", "/size") + raw::data(std::string(100'001, 'x')));
  const std::uint64_t fits =
      peer->open(Direction::bidirectional, raw::request("POST", "/size") + raw::data(std::string(100'000, 'x')), true);
  ASSERT_TRUE(peer->turn_until([&] {
    return peer->stream(enough).fin && peer->stream(too_many).fin && peer->stream(too_large).reset &&
           peer->stream(body).fin && peer->stream(fits).fin;
  }));
  EXPECT_EQ(status_of(peer->stream(enough).data), 200);
  EXPECT_EQ(status_of(peer->stream(too_many).data), 431);
  EXPECT_EQ(*peer->stream(too_large).reset, h3::wire_code_of(h3::Error::field_section_too_large));
  EXPECT_EQ(status_of(peer->stream(body).data), 413);
  EXPECT_EQ(peer->stream(body).stopped, h3::code::kNoError);
  EXPECT_EQ(status_of(peer->stream(fits).data), 200);
  EXPECT_TRUE(peer->stream(fits).data.ends_with("100000"));
}

TEST_F(QuicAttack, TheBodiesOfAllRequestsTogetherAreBounded) {
  ServerOptions options;
  options.limits.body_bytes_max = 50'000;
  start(handler<Echo>(), options);
  const auto peer = connected();
  std::vector<std::uint64_t> ids;
  const std::string upload = raw::request("POST", "/size") + raw::data(std::string(50'000, 'x'));
  for (int i = 0; i < 9; ++i) ids.push_back(peer->open(Direction::bidirectional, upload));
  ASSERT_TRUE(peer->turn_until(
      [&] { return std::ranges::any_of(ids, [&](std::uint64_t id) { return peer->stream(id).fin; }); }));
  int refused = 0;
  for (const std::uint64_t id : ids) refused += status_of(peer->stream(id).data) == 503 ? 1 : 0;
  EXPECT_EQ(refused, 1);
  for (const std::uint64_t id : ids) peer->write(id, {}, true);
  ASSERT_TRUE(peer->turn_until(
      [&] { return std::ranges::all_of(ids, [&](std::uint64_t id) { return peer->stream(id).fin; }); }));
  const std::uint64_t again = peer->open(Direction::bidirectional, upload, true);
  ASSERT_TRUE(peer->turn_until([&] { return peer->stream(again).fin; }));
  EXPECT_EQ(status_of(peer->stream(again).data), 200) << "what was answered counts no more";
}

TEST_F(QuicAttack, AClientThatTakesNoHeadIsReset) {
  start(handler<Echo>());
  const auto peer = connected(false);
  h3::Settings settings = h3::webtransport_settings();
  settings.field_section_bytes_max = 1;
  peer->open(Direction::unidirectional, raw::control_stream(settings));
  const std::uint64_t page = peer->open(Direction::bidirectional, raw::request("GET", "/size"), true);
  const std::uint64_t session = peer->open(Direction::bidirectional, raw::connect("/wt"));
  EXPECT_TRUE(peer->turn_until([&] { return peer->stream(page).reset && peer->stream(session).reset; }));
  EXPECT_FALSE(peer->closed());
}

// draft-ietf-webtrans-http3 §5.1: without flow control there is one session, and another is rejected.
TEST_F(QuicAttack, ASecondSessionWithoutFlowControlIsRejected) {
  std::atomic<int> opened{0}, closed{0};
  start(calling({.on_open = [&](Session&) { ++opened; }, .on_close = [&](Session&, const CloseInfo&) { ++closed; }}));
  const auto peer = connected(false);
  h3::Settings settings = h3::webtransport_settings();
  settings.webtransport.initial_data = 0;
  settings.webtransport.initial_streams_uni = 0;
  settings.webtransport.initial_streams_bidi = 0;
  peer->open(Direction::unidirectional, raw::control_stream(settings));
  const std::uint64_t first = peer->open(Direction::bidirectional, raw::connect("/wt"));
  ASSERT_TRUE(peer->turn_until([&] { return !peer->stream(first).data.empty(); }));
  const std::uint64_t second = peer->open(Direction::bidirectional, raw::connect("/wt"));
  ASSERT_TRUE(peer->turn_until([&] { return peer->stream(second).reset.has_value(); }));
  EXPECT_EQ(*peer->stream(second).reset, h3::code::kRequestRejected);
  EXPECT_TRUE(peer->stream(second).data.empty()) << "no 200 before";
  EXPECT_EQ(opened, 1);
  EXPECT_EQ(closed, 0);
}

TEST_F(QuicAttack, TwoSessionsOnOneConnectionEndApart) {
  std::atomic<int> opened{0}, closed{0}, heard{0}, others_heard{0};
  start(calling(
      {.on_open = [&](Session&) { ++opened; },
       .on_message = [&](Session&, const Message& message) { ++(message.text() == "hi" ? heard : others_heard); },
       .on_close = [&](Session&, const CloseInfo&) { ++closed; }}));
  const auto peer = connected();
  const std::uint64_t first = peer->open(Direction::bidirectional, raw::connect("/wt"));
  const std::uint64_t second = peer->open(Direction::bidirectional, raw::connect("/wt"));
  ASSERT_TRUE(peer->turn_until([&] { return opened == 2; }));
  peer->connection().reset(first, h3::code::kRequestCancelled);
  ASSERT_TRUE(peer->turn_until([&] { return closed == 1; }));
  const std::uint64_t late =
      peer->open(Direction::bidirectional, raw::stream_of_session(Direction::bidirectional, first) + message("late"));
  const std::uint64_t stream =
      peer->open(Direction::bidirectional, raw::stream_of_session(Direction::bidirectional, second) + message("hi"));
  EXPECT_TRUE(peer->turn_until([&] { return peer->stream(late).reset && peer->stream(late).stopped; }));
  EXPECT_EQ(peer->stream(late).reset, wt::code::kSessionGone);
  EXPECT_EQ(peer->stream(late).stopped, wt::code::kSessionGone);
  EXPECT_TRUE(peer->turn_until([&] { return heard == 1; }));
  EXPECT_FALSE(peer->stream(stream).reset);
  EXPECT_EQ(closed, 1);
  peer->write(second, {}, true);
  EXPECT_TRUE(peer->turn_until([&] { return closed == 2; }));
  EXPECT_EQ(heard, 1);
  EXPECT_EQ(others_heard, 0);
  EXPECT_FALSE(peer->closed());
}

// Without a code of an application's it is the end of the session, of which WT_CLOSE_SESSION is to tell.
TEST_F(QuicAttack, AMessageStreamResetWithoutTheCloseThatFollowsEndsTheSessionAfterATime) {
  ServerOptions options;
  options.limits.close_timeout = 100ms;
  std::atomic<int> heard{0};
  Box<CloseInfo> closed;
  start(calling({.on_message = [&](Session&, const Message&) { ++heard; },
                 .on_close = [&](Session&, const CloseInfo& info) { closed.set(info); }}),
        options);
  const auto peer = connected();
  const std::uint64_t session = peer->open(Direction::bidirectional, raw::connect("/wt"));
  ASSERT_TRUE(peer->turn_until([&] { return !peer->stream(session).data.empty(); }));
  const std::uint64_t stream =
      peer->open(Direction::bidirectional, raw::stream_of_session(Direction::bidirectional, session) + message("hi"));
  ASSERT_TRUE(peer->turn_until([&] { return heard == 1; }));
  peer->connection().reset(stream, h3::code::kNoError);
  EXPECT_TRUE(peer->turn_until([&] { return closed.get().has_value(); }));
  EXPECT_FALSE(closed.wait().clean);
}

// The handler ends the session in on_open, while streams, datagrams and capsules wait that came before it.
TEST_F(QuicAttack, EarlyStreamsOfASessionThatEndsAtOnceAreRefused) {
  for (const bool abort : {true, false}) {
    std::atomic<int> closed{0};
    start(calling({.on_open = [&](Session& session) { abort ? session.abort() : session.close(); },
                   .on_close = [&](Session&, const CloseInfo&) { ++closed; }}));
    const auto peer = connected(false);
    const std::uint64_t session = peer->open(Direction::bidirectional, raw::connect("/wt"));
    std::vector<std::uint64_t> early;
    for (int i = 0; i < 20; ++i) {
      early.push_back(
          peer->open(Direction::bidirectional, raw::stream_of_session(Direction::bidirectional, session) + "early"));
      peer->open(Direction::unidirectional, raw::stream_of_session(Direction::unidirectional, session) + "early", true);
    }
    ASSERT_TRUE(peer->connection().send_datagram(as_bytes(std::string(3, '\0'))));
    peer->write(session, raw::data({"\x80\x00\x78\xae\x00", 5}), true);  // WT_DRAIN_SESSION
    for (int i = 0; i < 20; ++i) peer->turn_until([] { return true; });
    peer->open(Direction::unidirectional, raw::control_stream());
    EXPECT_TRUE(peer->turn_until([&] { return closed == 1; }));
    EXPECT_TRUE(peer->turn_until([&] {
      return std::ranges::all_of(early, [&](std::uint64_t id) { return peer->stream(id).reset.has_value(); });
    }));
    EXPECT_FALSE(peer->closed());
  }
}

TEST_F(QuicAttack, Rfc9110Section10_1_1_AClientThatWaitsForItIsToldToContinue) {
  start(handler<Echo>());
  const auto peer = connected();
  const auto post = [](const char* expectation) {
    return raw::headers({{":method", "POST"},
                         {":scheme", "https"},
                         {":authority", "localhost"},
                         {":path", "/size"},
                         {"expect", expectation}});
  };
  const std::uint64_t id = peer->open(Direction::bidirectional, post("100-Continue"));
  ASSERT_TRUE(peer->turn_until([&] { return status_of(peer->stream(id).data) == 100; }));
  const std::size_t interim_bytes = peer->stream(id).data.size();
  peer->write(id, raw::data("four"), true);
  ASSERT_TRUE(peer->turn_until([&] { return peer->stream(id).fin; }));
  const std::string response = peer->stream(id).data.substr(interim_bytes);
  EXPECT_EQ(status_of(response), 200);
  EXPECT_TRUE(response.ends_with("4"));
  const std::uint64_t other = peer->open(Direction::bidirectional, post("something else") + raw::data("four"), true);
  ASSERT_TRUE(peer->turn_until([&] { return peer->stream(other).fin; }));
  EXPECT_EQ(status_of(peer->stream(other).data), 200);
}

// RFC 9651 §4.2: the lines of a list are one list.
TEST_F(QuicAttack, SubprotocolsMayBeOfferedInSeveralLines) {
  Box<std::string> seen;
  start(calling({.on_request = [&](OpeningRequest& request) {
    std::string all;
    for (const std::string_view one : request.subprotocols()) all.append(one).append("|");
    seen.set(all);
    request.accept("c");
  }}));
  const auto peer = connected();
  const std::uint64_t id =
      peer->open(Direction::bidirectional, raw::headers({{":method", "CONNECT"},
                                                         {":scheme", "https"},
                                                         {":authority", "localhost"},
                                                         {":path", "/wt"},
                                                         {":protocol", "webtransport"},
                                                         {"wt-available-protocols", "\"a\", \"b\""},
                                                         {"x-other", "1"},
                                                         {"wt-available-protocols", "\"c\""}}));
  ASSERT_TRUE(peer->turn_until([&] { return seen.get().has_value() && !peer->stream(id).data.empty(); }));
  EXPECT_EQ(seen.wait(), "a|b|c|");
  EXPECT_EQ(status_of(peer->stream(id).data), 200);
}

// As Limits::header_bytes_max says: no 431, which would need the fields to be read.
TEST_F(QuicAttack, AFieldSectionAboveTheLimitResetsItsStreamAlone) {
  start(handler<Echo>());
  const auto peer = connected();
  const std::string request = raw::headers({{":method", "GET"},
                                            {":scheme", "https"},
                                            {":authority", "localhost"},
                                            {":path", "/size"},
                                            {"x-large", std::string(40'000, 'x')}});
  const std::uint64_t large = peer->open(Direction::bidirectional, request, true);
  ASSERT_TRUE(peer->turn_until([&] { return peer->stream(large).reset.has_value(); }));
  EXPECT_EQ(peer->stream(large).reset, h3::code::kExcessiveLoad);
  EXPECT_EQ(peer->stream(large).data, "");
  const std::uint64_t next = peer->open(Direction::bidirectional, raw::request("GET", "/size"), true);
  ASSERT_TRUE(peer->turn_until([&] { return peer->stream(next).fin; }));
  EXPECT_EQ(status_of(peer->stream(next).data), 200);
}

TEST_F(QuicAttack, AnUploadThatDripsIs408) {
  const auto statuses = [&](Duration limit) -> std::string {
    ServerOptions options;
    options.limits.handshake_timeout = limit;
    start(handler<Echo>(), options);
    RawQuic peer{port_of(url_)};
    if (!peer.turn_until_ready()) return "no handshake";
    peer.open(Direction::unidirectional, raw::control_stream());
    const std::uint64_t upload = peer.open(Direction::bidirectional, raw::request("POST", "/size"));
    const auto drip = [&] {
      if (!peer.stream(upload).fin) peer.write(upload, raw::data("x"));
    };
    if (!peer.turn_until([&] { return peer.stream(upload).fin || peer.closed(); }, drip)) return "no answer";
    const std::uint64_t other = peer.open(Direction::bidirectional, raw::request("POST", "/size"), true);
    peer.turn_until([&] { return peer.stream(other).fin || peer.closed(); });
    return std::to_string(status_of(peer.stream(upload).data)) + ", then " +
           std::to_string(status_of(peer.stream(other).data));
  };
  const std::string wanted = "408, then 200";  // the connection goes on
  EXPECT_EQ(told_at_a_limit(wanted, statuses), wanted);
}

TEST_F(QuicAttack, ADrainThatThePeerAsksForIsToldOnce) {
  std::atomic<int> drainings{0};
  Box<std::string> message_after;
  start(calling({.on_message = [&](Session&, const Message& got) { message_after.set(std::string{got.text()}); },
                 .on_draining = [&](Session&) { ++drainings; }}));
  const auto peer = connected();
  const std::uint64_t session = peer->open(Direction::bidirectional, raw::connect("/wt"));
  ASSERT_TRUE(peer->turn_until([&] { return !peer->stream(session).data.empty(); }));
  const std::string drain = raw::data({"\x80\x00\x78\xae\x00", 5});  // WT_DRAIN_SESSION
  peer->write(session, drain + drain);
  ASSERT_TRUE(peer->turn_until([&] { return drainings == 1; }));
  peer->open(Direction::bidirectional, raw::stream_of_session(Direction::bidirectional, session) + message("hi"));
  EXPECT_TRUE(peer->turn_until([&] { return message_after.get().has_value(); })) << "the session goes on";
  EXPECT_EQ(message_after.get(), "hi");
  EXPECT_EQ(drainings, 1);
}

// Browsers keep the connection of a session that was closed.
TEST_F(QuicAttack, ADrainWaitsForNoClientThatHasAnsweredTheClose) {
  ServerOptions options;
  options.drain_timeout = 60s;
  start(handler<Echo>(), options);
  const auto peer = connected();
  const std::uint64_t session = peer->open(Direction::bidirectional, raw::connect("/wt"));
  ASSERT_TRUE(peer->turn_until([&] { return !peer->stream(session).data.empty(); }));
  server_->server().drain();
  ASSERT_TRUE(peer->turn_until([&] { return peer->stream(session).fin; }));
  peer->write(session, {}, true);
  EXPECT_TRUE(peer->turn_until([&] { return peer->closed() && !server_->running(); }));
}

// RFC 9114 §4.1: who has answered without reading to the end says so; the drain would wait for the client's end else.
TEST_F(QuicAttack, ARefusedConnectIsNotReadToItsEnd) {
  ServerOptions options;
  options.drain_timeout = 60s;
  start(handler<Echo>(), options);
  const auto peer = connected();
  const std::uint64_t refused = peer->open(Direction::bidirectional, raw::connect("/nowhere"));
  ASSERT_TRUE(peer->turn_until([&] { return peer->stream(refused).stopped.has_value(); }));
  EXPECT_EQ(peer->stream(refused).stopped, h3::code::kNoError);
  server_->server().drain();
  EXPECT_TRUE(peer->turn_until([&] { return peer->closed() && !server_->running(); }));
}

TEST_F(QuicAttack, ADrainRefusesSessionsThatWaitAndCutsNoResponse) {
  std::atomic<int> asked{0};
  start(calling({.on_request = [&](OpeningRequest& request) {
    ++asked;
    request.accept();
  }}));
  const auto peer = connected(false);
  const std::uint64_t waiting = peer->open(Direction::bidirectional, raw::connect("/wt"));
  const std::uint64_t upload = peer->open(Direction::bidirectional, raw::request("POST", "/size") + raw::data("1"));
  for (int i = 0; i < 20; ++i) peer->turn_until([] { return true; });
  server_->server().drain();
  ASSERT_TRUE(peer->turn_until([&] { return peer->stream(waiting).fin; }));
  EXPECT_EQ(status_of(peer->stream(waiting).data), 503);
  EXPECT_EQ(server_->server().stats().openings_refused_other, 1U);
  peer->write(upload, raw::data("2"), true);
  ASSERT_TRUE(peer->turn_until([&] { return peer->stream(upload).fin; }));
  EXPECT_TRUE(peer->stream(upload).data.ends_with("2"));
  peer->write(waiting, {}, true);
  EXPECT_TRUE(peer->turn_until([&] { return peer->closed() && !server_->running(); }));
  EXPECT_EQ(asked, 0);
}

}  // namespace
}  // namespace plait::test
