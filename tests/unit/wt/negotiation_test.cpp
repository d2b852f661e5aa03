// Dialects by SETTINGS, and the application's protocol (draft-ietf-webtrans-http3 §3, RFC 9651).
#include <gtest/gtest.h>

#include "unit/wt/wt_testing.hpp"

namespace plait::wt {
namespace {

using Strings = std::vector<std::string>;

h3::Settings with(const h3::WebTransportSettings& webtransport) {
  h3::Settings settings;
  settings.extended_connect = true;
  settings.datagrams = true;
  settings.webtransport = webtransport;
  return settings;
}

TEST(WtNegotiation, AServerIsCapableWithAnyOfTheFourIdentifiers) {
  EXPECT_TRUE(is_capable(with({.draft02 = 1})));
  EXPECT_TRUE(is_capable(with({.sessions_max_draft07 = 1})));
  EXPECT_TRUE(is_capable(with({.sessions_max_draft13 = 1})));
  EXPECT_TRUE(is_capable(with({.draft15 = 1})));
  EXPECT_TRUE(is_capable(h3::webtransport_settings()));
  EXPECT_FALSE(is_capable(with({.initial_data = 1})));
  EXPECT_FALSE(is_capable(h3::http3_settings()));
  h3::Settings settings = with({.draft02 = 1});
  settings.extended_connect = false;
  EXPECT_FALSE(is_capable(settings));
  settings = with({.draft02 = 1});
  settings.datagrams = false;
  EXPECT_FALSE(is_capable(settings));
  settings.datagrams_draft04 = true;
  EXPECT_TRUE(is_capable(settings));
}

TEST(WtNegotiation, TheNewestTokenThatTheServerKnows) {
  EXPECT_EQ(connect_dialect(h3::webtransport_settings()).protocol, "webtransport-h3");
  EXPECT_FALSE(connect_dialect(h3::webtransport_settings()).draft02_field);
  EXPECT_EQ(connect_dialect(with({.draft02 = 1})).protocol, "webtransport");
  EXPECT_TRUE(connect_dialect(with({.draft02 = 1})).draft02_field);
  EXPECT_EQ(connect_dialect(with({.draft02 = 1, .sessions_max_draft07 = 1})).protocol, "webtransport");
  EXPECT_FALSE(connect_dialect(with({.draft02 = 1, .sessions_max_draft07 = 1})).draft02_field);
  EXPECT_FALSE(connect_dialect(with({.sessions_max_draft13 = 1})).draft02_field);
}

TEST(WtNegotiation, ServersTakeBothTokens) {
  EXPECT_TRUE(is_connect_protocol("webtransport"));
  EXPECT_TRUE(is_connect_protocol("webtransport-h3"));
  EXPECT_FALSE(is_connect_protocol("websocket"));
  EXPECT_FALSE(is_connect_protocol(""));
}

TEST(WtNegotiation, FlowControlNeedsALimitOfBothSides) {
  const h3::WebTransportSettings none{.draft02 = 1};
  for (const auto& one : {limits(1, 0, 0), limits(0, 1, 0), limits(0, 0, 1)}) {
    EXPECT_TRUE(uses_flow_control(one, limits(5, 5, 5)));
    EXPECT_FALSE(uses_flow_control(none, one));
    EXPECT_FALSE(uses_flow_control(one, none));
  }
}

TEST(WtNegotiation, HowManySessionsAConnectionMayHave) {
  const h3::WebTransportSettings own = limits(1, 1, 1);
  h3::WebTransportSettings peer{.draft02 = 1};
  EXPECT_EQ(sessions_max(own, peer), ~std::uint64_t{0}) << "draft 2 knows no limit";
  peer.sessions_max_draft07 = 5;
  EXPECT_EQ(sessions_max(own, peer), 5U);
  peer.sessions_max_draft13 = 7;
  EXPECT_EQ(sessions_max(own, peer), 1U) << "section 5.1: without flow control";
  peer.initial_data = 1;
  EXPECT_EQ(sessions_max(own, peer), 7U);
  EXPECT_EQ(sessions_max({}, peer), 1U);
  peer.sessions_max_draft13 = 0;
  peer.sessions_max_draft07 = 0;
  peer.draft15 = 1;
  EXPECT_EQ(sessions_max(own, peer), ~std::uint64_t{0}) << "draft 15 bounds them by their credit";
}

TEST(WtNegotiation, OfferedProtocols) {
  EXPECT_EQ(parse_available_protocols(R"("chat.v1", "chat.v2")", 16), (Strings{"chat.v1", "chat.v2"}))
      << "Chromium 156";
  EXPECT_EQ(parse_available_protocols(R"("a";q=1;note="x, \"y", "b")", 16), (Strings{"a", "b"}));
  EXPECT_EQ(parse_available_protocols("moq-00 ,\tmoq/1:x", 16), (Strings{"moq-00", "moq/1:x"})) << "tokens";
  EXPECT_EQ(parse_available_protocols(R"( "with \"quotes\" and \\" )", 16), (Strings{R"(with "quotes" and \)"}));
  EXPECT_EQ(parse_available_protocols("", 16), Strings{});
}

TEST(WtNegotiation, MalformedOffersAreAsIfAbsent) {
  for (const std::string_view bad : {R"("open)", R"("bad \escape")", R"("a",)", R"("a",,"b")", R"(,"a")", R"("a" "b")",
                                     "\"tab\t\"", R"("a";x=")", "(\"a\")", "\"\xC3\xBC\""}) {
    EXPECT_EQ(parse_available_protocols(bad, 16), Strings{}) << bad;
  }
}

TEST(WtNegotiation, AnOfferIsBounded) {
  EXPECT_EQ(parse_available_protocols("a, b, c", 3), (Strings{"a", "b", "c"}));
  EXPECT_EQ(parse_available_protocols("a, b, c, d", 3), std::nullopt);
}

TEST(WtNegotiation, TheChosenProtocol) {
  EXPECT_EQ(parse_protocol(R"("chat.v1")"), "chat.v1");
  EXPECT_EQ(parse_protocol(R"("chat.v1";x=1)"), "chat.v1");
  EXPECT_EQ(parse_protocol("moq-00"), "moq-00");
  EXPECT_EQ(parse_protocol(R"("a", "b")"), std::nullopt);
  EXPECT_EQ(parse_protocol(""), std::nullopt);
  EXPECT_EQ(parse_protocol(R"("a)"), std::nullopt);
}

TEST(WtNegotiation, WhatIsWrittenIsRead) {
  const Strings protocols{"chat.v1", R"(quote " and \)", "with, comma; and space"};
  const auto encoded = encode_available_protocols(protocols);
  ASSERT_TRUE(encoded.has_value());
  EXPECT_EQ(*encoded, R"("chat.v1", "quote \" and \\", "with, comma; and space")");
  EXPECT_EQ(parse_available_protocols(*encoded, 16), protocols);
  for (const std::string& protocol : protocols) EXPECT_EQ(parse_protocol(*encode_protocol(protocol)), protocol);
  EXPECT_EQ(encode_protocol(""), std::nullopt);
  EXPECT_EQ(encode_protocol("line\nfeed"), std::nullopt);
  EXPECT_EQ(encode_available_protocols(Strings{"a", "\xFF"}), std::nullopt);
}

}  // namespace
}  // namespace plait::wt
