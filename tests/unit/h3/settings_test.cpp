#include "h3/settings.hpp"

#include <gtest/gtest.h>

#include "unit/h3/h3_testing.hpp"

namespace plait::h3 {
namespace {

Buffer encode(const Settings& settings) {
  core::VectorSink out;
  encode_settings(settings, out);
  return out.bytes;
}

TEST(H3Settings, WhatWeSendWithWebTransport) {
  const Settings settings = webtransport_settings(
      {.sessions_max_draft13 = 16, .initial_data = 0x100000, .initial_streams_uni = 100, .initial_streams_bidi = 50});
  const Buffer expected =
      bytes_of({0x01, 0}) + bytes_of({0x07, 0}) + bytes_of({0x06, 0x80, 1, 0, 0}) + bytes_of({0x08, 1}) +
      bytes_of({0x33, 1}) + bytes_of({0x80, 0xFF, 0xD2, 0x77, 1}) + bytes_of({0xAB, 0x60, 0x37, 0x42, 1}) +
      bytes_of({0xC0, 0, 0, 0, 0xC6, 0x71, 0x70, 0x6A, 16}) + bytes_of({0x94, 0xE9, 0xCD, 0x29, 16}) +
      bytes_of({0xAC, 0x7C, 0xF0, 0, 1}) + bytes_of({0x6B, 0x61, 0x80, 0x10, 0, 0}) +
      bytes_of({0x6B, 0x64, 0x40, 100}) + bytes_of({0x6B, 0x65, 50});
  EXPECT_EQ(encode(settings), expected);
}

TEST(H3Settings, WhatWeSendWithoutWebTransport) {
  EXPECT_EQ(encode(http3_settings()), bytes_of({0x01, 0, 0x07, 0, 0x06, 0x80, 1, 0, 0}));
}

TEST(H3Settings, RoundTrip) {
  for (const Settings& settings : {Settings{}, http3_settings(), webtransport_settings()}) {
    const auto decoded = decode_settings(encode(settings));
    ASSERT_TRUE(decoded.has_value());
    EXPECT_EQ(*decoded, settings);
  }
}

TEST(H3Settings, LongVarintsMeanTheSame) {
  const auto decoded = decode_settings(long_varint(0x33) + long_varint(1) + long_varint(0x2B61) + long_varint(7));
  ASSERT_TRUE(decoded.has_value());
  EXPECT_TRUE(decoded->datagrams);
  EXPECT_EQ(decoded->webtransport.initial_data, 7U);
  EXPECT_EQ(decode_settings(long_varint(0x33) + long_varint(1) + bytes_of({0x33, 1})).error(), Error::setting_repeated);
}

// The payloads of quic.md and webtransport.md: what clients are known to send.
TEST(H3Settings, WhatChromium156Sends) {
  const Buffer grease = long_varint(0x1FULL * 1'234'567'890 + 0x21) + long_varint(987'654'321'000);
  const Buffer payload = bytes_of({0x01, 0x80, 0x01, 0x00, 0x00, 0x06, 0x80, 0x00, 0x40, 0x00, 0x07, 0x40, 0x64,
                                   0x33, 0x01, 0x80, 0xFF, 0xD2, 0x77, 0x01, 0xAB, 0x60, 0x37, 0x42, 0x01}) +
                         grease;
  EXPECT_EQ(payload.size(), 0x29U);
  const auto settings = decode_settings(payload);
  ASSERT_TRUE(settings.has_value());
  EXPECT_EQ(settings->field_section_bytes_max, 16384U);
  EXPECT_TRUE(settings->datagrams);
  EXPECT_TRUE(settings->datagrams_draft04);
  EXPECT_FALSE(settings->extended_connect);
  EXPECT_TRUE(settings->webtransport.enabled());
  EXPECT_EQ(settings->webtransport.draft02, 1U);
}

TEST(H3Settings, AnyOfTheFourIdentifiersEnablesWebTransport) {
  for (const std::uint64_t id : {0x2B603742U, 0xC671706AU, 0x14E9CD29U, 0x2C7CF000U}) {
    EXPECT_TRUE(decode_settings(one_setting(id, 1))->webtransport.enabled()) << id;
    EXPECT_FALSE(decode_settings(one_setting(id, 0))->webtransport.enabled()) << id;
  }
  EXPECT_FALSE(decode_settings(one_setting(0x2B61, 1))->webtransport.enabled());
}

}  // namespace
}  // namespace plait::h3
