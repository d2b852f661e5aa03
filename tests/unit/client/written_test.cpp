// What scripts write and read: certificate hashes, responses as JSON.
#include <gtest/gtest.h>

#include "client/certificate_hash.hpp"
#include "client/response_json.hpp"

namespace plait::client {
namespace {

TEST(CertificateHashes, AreHexadecimalOrBase64) {
  CertificateHash hash{};
  for (std::size_t i = 0; i < hash.size(); ++i) hash[i] = static_cast<std::uint8_t>(0xF0 + i);
  const std::string hexadecimal = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff000102030405060708090A0B0C0D0E0F";
  EXPECT_EQ(parse_certificate_hash(hexadecimal), hash);
  std::string colons;
  for (std::size_t i = 0; i < 64; i += 2) colons += (i == 0 ? "" : ":") + hexadecimal.substr(i, 2);
  EXPECT_EQ(parse_certificate_hash(colons), hash);
  EXPECT_EQ(parse_certificate_hash("8PHy8/T19vf4+fr7/P3+/wABAgMEBQYHCAkKCwwNDg8="), hash);
  for (const char* wrong :
       {"", "f0", "8PHy8/T19vf4", "g0f1f2f3f4f5f6f7f8f9fafbfcfdfeff000102030405060708090a0b0c0d0e0f",
        "-0f1f2f3f4f5f6f7f8f9fafbfcfdfeff000102030405060708090a0b0c0d0e0f"}) {
    EXPECT_FALSE(parse_certificate_hash(wrong)) << wrong;
  }
}

TEST(ResponseJson, BodyAndFieldsOfAnyOctets) {
  EXPECT_EQ(to_json({.status = 200, .headers = {{"a", "\"x\""}, {"a", "y"}}, .body = "caf\xC3\xA9\n"}),
            "{\"status\":200,\"headers\":[[\"a\",\"\\\"x\\\"\"],[\"a\",\"y\"]],\"body\":\"caf\xC3\xA9\\n\"}");
  EXPECT_EQ(to_json({.status = 404, .headers = {{"n", "\xE9"}}, .body = std::string("\xFF\x00", 2)}),
            "{\"status\":404,\"headers\":[[\"n\",\"\xC3\xA9\"]],\"body_base64\":\"/wA=\"}");
}

}  // namespace
}  // namespace plait::client
