// The certificates that the bench makes for its rows.
#include "bench/components/temporary_certificate.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "crypto/file.hpp"
#include "crypto/signing_key.hpp"

namespace plait::bench {
namespace {

// The path behind the last option, in quotes.
std::string key_file_of(const TemporaryCertificate& certificate) {
  const std::string options = certificate.options();
  const auto begin = options.rfind(" '") + 2;
  return options.substr(begin, options.size() - 1 - begin);
}

TEST(TemporaryCertificate, HasTheKeyThatWasAskedForAndLeavesNothingBehind) {
  std::string key_file;
  {
    const auto certificate = TemporaryCertificate::make(crypto::KeyKind::rsa_2048);
    ASSERT_TRUE(certificate) << certificate.error().message;
    key_file = key_file_of(*certificate);
    const auto pem = crypto::read_file(key_file);
    ASSERT_TRUE(pem) << certificate->options();
    const auto key = crypto::SigningKey::parse(*pem);
    ASSERT_TRUE(key);
    EXPECT_EQ(key->kind(), crypto::SigningKeyKind::rsa);
    EXPECT_EQ(key->bits(), 2048U);
  }
  EXPECT_FALSE(std::filesystem::exists(std::filesystem::path{key_file}.parent_path()));
}

}  // namespace
}  // namespace plait::bench
