// Capsules on the CONNECT stream (draft-ietf-webtrans-http3 §5.6, §6): each of them, right and wrong, cut anywhere.
#include <gtest/gtest.h>

#include "unit/wt/wt_testing.hpp"

namespace plait::wt {
namespace {

// The rule that these bytes break, and that the CONNECT stream was reset and stopped for it with the code that the
// standards demand.
std::optional<Error> error_after(const Buffer& capsules, bool fin = false) {
  auto server = make_limited_server();
  server->feed(0, in_data(capsules), fin);
  const auto error = server->error();
  if (error) {
    EXPECT_EQ(server->out(0).reset, standard_code_of(*error));
    EXPECT_EQ(server->out(0).stopped, standard_code_of(*error));
    EXPECT_FALSE(server->log().close_info->clean);
  }
  return error;
}

TEST(WtCapsule, CloseSession) {
  auto server = make_server(chromium());
  server->feed(0, bytes_of({0x00, 0x12, 0x68, 0x43, 0x0F, 0, 0, 0, 0x7B}) + to_buffer("client done"), true);
  EXPECT_EQ(server->log().log, (Log{"over 123 client done clean"})) << "what Chromium 156 sends";
  EXPECT_TRUE(server->out(0).fin);
  EXPECT_FALSE(server->out(0).reset.has_value());
}

TEST(WtCapsule, CloseSessionWithTheLongestReason) {
  const std::string reason(kCloseReasonBytesMax, 'r');
  auto server = make_server(chromium());
  server->feed_capsule(close_capsule(0xFFFFFFFF, reason));
  EXPECT_EQ(server->log().log, (Log{"over 4294967295 " + reason + " clean"}));
  EXPECT_EQ(error_after(close_capsule(0, std::string(kCloseReasonBytesMax + 1, 'r'))), Error::close_reason_too_long);
  EXPECT_EQ(error_after(close_capsule(0, std::string(kCapsuleBytesMax, 'r'))), Error::capsule_too_large);
}

TEST(WtCapsule, CloseSessionThatIsWrong) {
  EXPECT_EQ(error_after(close_capsule(1, "\xC3")), Error::close_reason_not_utf8);
  EXPECT_EQ(error_after(capsule(capsule_type::kCloseSession, bytes_of({0, 0, 0}))), Error::capsule_malformed);
}

TEST(WtCapsule, DataAfterCloseSessionResetsTheStream) {
  auto server = make_server(chromium());
  server->feed_capsule(close_capsule(1, "bye"));
  EXPECT_FALSE(server->out(0).reset.has_value());
  server->feed_capsule(capsule(0x21));
  EXPECT_EQ(server->out(0).reset, h3::code::kMessageError);
  EXPECT_EQ(server->out(0).stopped, h3::code::kMessageError);
  EXPECT_EQ(server->log().log, (Log{"over 1 bye clean"}));
}

// Code and reason were lost where both came in one piece.
TEST(WtCapsule, DataAfterCloseSessionMeansTheSameWhereverItIsCut) {
  for (const Buffer& behind : {capsule(0x21), bytes_of({0})}) {
    const Buffer all = close_capsule(1, "bye") + behind;
    for (std::size_t cut = 0; cut <= all.size(); ++cut) {
      const auto middle = all.begin() + static_cast<std::ptrdiff_t>(cut);
      auto server = make_server(chromium());
      server->feed_capsule(Buffer(all.begin(), middle));
      server->feed_capsule(Buffer(middle, all.end()));
      ASSERT_EQ(server->log().log, (Log{"over 1 bye clean"})) << cut;
      ASSERT_EQ(server->out(0).reset, h3::code::kMessageError) << cut;
      ASSERT_EQ(server->out(0).stopped, h3::code::kMessageError) << cut;
    }
  }
}

TEST(WtCapsule, FinAloneIsACleanClose) {
  auto server = make_server(chromium());
  server->feed(0, {}, true);
  EXPECT_EQ(server->log().log, (Log{"over 0  clean"}));
  EXPECT_TRUE(server->out(0).fin);
}

TEST(WtCapsule, FinInsideACapsule) {
  EXPECT_EQ(error_after(bytes_of({0x68}), true), Error::capsule_truncated);
  EXPECT_EQ(error_after(bytes_of({0x21, 3, 'a'}), true), Error::capsule_truncated);
}

TEST(WtCapsule, DrainSessionIsReportedOnce) {
  auto server = make_server(chromium());
  server->feed_capsule(capsule(capsule_type::kDrainSession) + capsule(capsule_type::kDrainSession));
  server->sessions.handle_goaway();
  EXPECT_EQ(server->log().log, (Log{"draining"}));
  EXPECT_EQ(error_after(capsule(capsule_type::kDrainSession, bytes_of({0}))), Error::capsule_malformed);
}

TEST(WtCapsule, GoawayDrainsEverySession) {
  Endpoint server{Role::server};
  server.connection.handle_ready();
  server.feed_settings(h3::webtransport_settings());
  server.feed_connect(0);
  server.feed_connect(4);
  server.sessions.handle_goaway();
  EXPECT_EQ(server.log(0).log, (Log{"draining"}));
  EXPECT_EQ(server.log(4).log, (Log{"draining"}));
}

TEST(WtCapsule, UnknownOnesArePassedOver) {
  auto server = make_server(chromium());
  server->feed_capsule(capsule(0x29 * 5 + 0x17, to_buffer("grease")) + capsule(0x00, Buffer(100'000, 'd')) +
                       h3::long_varint(0x1F * 77 + 0x21) + h3::long_varint(2) + bytes_of({1, 2}) +
                       capsule(capsule_type::kDrainSession));
  EXPECT_EQ(server->log().log, (Log{"draining"}));
}

TEST(WtCapsule, ThoseOfStreamsAreProhibited) {
  EXPECT_EQ(error_after(capsule(capsule_type::kMaxStreamData, varint(4) + varint(999))), Error::capsule_prohibited);
  EXPECT_EQ(error_after(capsule(capsule_type::kStreamDataBlocked, varint(4) + varint(999))), Error::capsule_prohibited);
}

TEST(WtCapsule, LimitsMayNotFall) {
  const auto twice = [](std::uint64_t type, std::uint64_t first, std::uint64_t second) {
    return capsule(type, varint(first)) + capsule(type, varint(second));
  };
  for (const std::uint64_t type :
       {capsule_type::kMaxData, capsule_type::kMaxStreamsBidi, capsule_type::kMaxStreamsUni}) {
    EXPECT_EQ(error_after(capsule(type, varint(1))), Error::limit_not_increased) << "below SETTINGS";
    EXPECT_EQ(error_after(twice(type, 200, 199)), Error::limit_not_increased);
    EXPECT_EQ(error_after(twice(type, 200, 200)), std::nullopt) << "draft 14";
    EXPECT_EQ(error_after(twice(type, 200, 201)), std::nullopt);
    auto server = make_server(h3::webtransport_settings(limits(100, 4, 4)));
    server->feed_capsule(twice(type, 200, 200));
    EXPECT_EQ(server->error(), Error::limit_not_increased) << "draft 15";
    EXPECT_EQ(server->out(0).reset, code::kFlowControlError);
  }
}

TEST(WtCapsule, LimitsThatAreMalformed) {
  for (const std::uint64_t type :
       {capsule_type::kMaxData, capsule_type::kMaxStreamsBidi, capsule_type::kMaxStreamsUni, capsule_type::kDataBlocked,
        capsule_type::kStreamsBlockedBidi, capsule_type::kStreamsBlockedUni}) {
    EXPECT_EQ(error_after(capsule(type)), Error::capsule_malformed);
    EXPECT_EQ(error_after(capsule(type, bytes_of({0x40}))), Error::capsule_malformed);
    EXPECT_EQ(error_after(capsule(type, bytes_of({200, 0, 0, 0, 0}))), Error::capsule_malformed);
    EXPECT_EQ(error_after(capsule(type, h3::long_varint(1000))), std::nullopt) << "longer than needed";
  }
}

TEST(WtCapsule, StreamLimitsEndAt2ToThe60) {
  const std::uint64_t limit = std::uint64_t{1} << 60;
  for (const std::uint64_t type : {capsule_type::kMaxStreamsBidi, capsule_type::kMaxStreamsUni,
                                   capsule_type::kStreamsBlockedBidi, capsule_type::kStreamsBlockedUni}) {
    EXPECT_EQ(error_after(capsule(type, varint(limit))), std::nullopt);
    EXPECT_EQ(error_after(capsule(type, varint(limit + 1))), Error::stream_limit_too_high);
  }
}

TEST(WtCapsule, WithoutFlowControlLimitsMeanNothing) {
  auto server = make_server(chromium());
  server->feed_capsule(capsule(capsule_type::kMaxData, varint(5)) + capsule(capsule_type::kMaxData, varint(4)) +
                       capsule(capsule_type::kMaxStreamsUni, varint(core::kVarintMax)));
  EXPECT_EQ(server->log().log, Log{});
  EXPECT_TRUE(server->session().open_stream(Direction::unidirectional).has_value());
}

TEST(WtCapsule, CutAnywhereTheyMeanTheSame) {
  const Buffer all =
      capsule(0x29 * 9 + 0x17, to_buffer("grease")) + capsule(capsule_type::kMaxData, varint(5000)) +
      capsule(capsule_type::kMaxStreamsBidi, varint(70)) + capsule(capsule_type::kDataBlocked, varint(7)) +
      capsule(capsule_type::kMaxStreamsUni, varint(70'000)) + capsule(capsule_type::kStreamsBlockedUni, varint(9)) +
      capsule(capsule_type::kDrainSession) + close_capsule(77, "gr\xC3\xBC\xC3\x9F");
  const Log expected{"bidirectional available", "unidirectional available", "draining", "over 77 grüß clean"};
  for (std::size_t cut = 0; cut <= all.size(); ++cut) {
    const auto middle = all.begin() + static_cast<std::ptrdiff_t>(cut);
    auto server = make_limited_server();
    server->feed_capsule(Buffer(all.begin(), middle));
    server->feed(0, in_data(Buffer(middle, all.end())), true);
    ASSERT_EQ(server->log().log, expected) << cut;
  }
  auto server = make_limited_server();
  for (const std::uint8_t byte : all) {
    for (const std::uint8_t framed : in_data({byte})) server->feed(0, {framed});
  }
  server->feed(0, {}, true);
  EXPECT_EQ(server->log().log, expected);
  EXPECT_EQ(server->out(0).consumed, headers(connect_lines()).size() + 3 * all.size());
}

// PyWebTransport up to 0.10 sends capsules outside of DATA frames and wants ours there.
TEST(WtCapsule, APeerWithoutFramesIsAnsweredWithout) {
  auto server = make_server(chromium());
  const std::size_t before = server->out(0).bytes.size();
  server->feed(0, capsule(capsule_type::kDrainSession));
  EXPECT_EQ(server->log().log, (Log{"draining"}));
  server->session().close(7, "so long");
  const Buffer& sent = server->out(0).bytes;
  EXPECT_EQ(Buffer(sent.begin() + static_cast<std::ptrdiff_t>(before), sent.end()), close_capsule(7, "so long"));
  EXPECT_TRUE(server->out(0).fin);
}

}  // namespace
}  // namespace plait::wt
