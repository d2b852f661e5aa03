#include "crypto/certificate.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include "crypto/file.hpp"
#include "support/folder.hpp"

namespace plait::crypto {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

const WallTime kNow{std::chrono::sys_days{std::chrono::year{2026} / 6 / 1}};

class CertificateFiles : public testing::Test {
 protected:
  DevelopmentCertificate get(WallTime now, const CertificateOptions& options = {}) {
    auto certificate = development_certificate(folder_ / "tls", options, now);
    EXPECT_TRUE(certificate) << certificate.error().message;
    return *certificate;
  }

  const test::Folder temporary_;
  const fs::path& folder_ = temporary_.path();
};

TEST(Certificate, SaysWhatItWasMadeFor) {
  CertificateOptions options;
  options.names = {"localhost", "127.0.0.1", "::1", "example.test", "192.0.2.7"};
  const auto pem = make_certificate(options, kNow);
  ASSERT_TRUE(pem);
  const auto info = parse_certificate(pem->certificate);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->names, options.names);
  EXPECT_EQ(info->not_after, kNow + std::chrono::days{13});
  EXPECT_EQ(info->not_before, kNow - 1min);
  EXPECT_TRUE(pem->private_key.starts_with("-----BEGIN PRIVATE KEY-----"));
}

TEST(Certificate, LivesShortEnoughForBrowsersToAcceptItsHash) {
  const auto info = parse_certificate(make_certificate({}, kNow)->certificate);
  ASSERT_TRUE(info);
  EXPECT_LE(info->not_after - info->not_before, std::chrono::days{14});
}

TEST(Certificate, TheKeyIsEcdsaUnlessRsaIsAskedFor) {
  const auto elliptic = make_certificate({}, kNow);
  const auto rsa = make_certificate({.key = KeyKind::rsa_2048}, kNow);
  ASSERT_TRUE(elliptic && rsa);
  EXPECT_TRUE(parse_certificate(rsa->certificate));
  constexpr std::size_t kRsaKeyTextMin = 1600;  // 2048 bits and their primes, in Base64
  EXPECT_LT(elliptic->private_key.size(), 300U);
  EXPECT_GT(rsa->private_key.size(), kRsaKeyTextMin);
}

TEST(Certificate, EveryOneIsAnother) {
  const auto first = parse_certificate(make_certificate({}, kNow)->certificate);
  const auto second = parse_certificate(make_certificate({}, kNow)->certificate);
  EXPECT_NE(first->fingerprint, second->fingerprint);
}

TEST(Certificate, Rfc6125Section6_4_NamesOfHosts) {
  const std::vector<std::string> names{"site.example", "*.Apps.example", "127.0.0.1"};
  for (const char* host : {"site.example", "SITE.example", "a.apps.example", "127.0.0.1"}) {
    EXPECT_TRUE(names_include(names, host)) << host;
  }
  for (const char* host : {"", ".", "example", "a.site.example", "apps.example", "a.b.apps.example", ".apps.example",
                           "site.example.", "xsite.example"}) {
    EXPECT_FALSE(names_include(names, host)) << host;
  }
  EXPECT_FALSE(names_include({}, "site.example"));
}

TEST(Certificate, GarbageIsRefused) {
  EXPECT_FALSE(parse_certificate(""));
  EXPECT_FALSE(parse_certificate("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"));
}

TEST(Certificate, EveryTruncationIsRefused) {
  const auto pem = make_certificate({}, kNow);
  const std::string text = pem->certificate.substr(0, pem->certificate.rfind("-----END"));
  for (std::size_t size = 0; size < text.size(); ++size) EXPECT_FALSE(parse_certificate(text.substr(0, size))) << size;
}

TEST_F(CertificateFiles, AMissingFileIsNamed) {
  const auto info = read_certificate(folder_ / "none.pem");
  ASSERT_FALSE(info);
  EXPECT_NE(info.error().message.find("none.pem: No such file"), std::string::npos) << info.error().message;
  EXPECT_EQ(info.error().system_errno, ENOENT);
}

TEST_F(CertificateFiles, AreMadeOnFirstUseAndUsedAgain) {
  const auto first = get(kNow);
  EXPECT_TRUE(first.is_new);
  const auto second = get(kNow + 24h);
  EXPECT_FALSE(second.is_new);
  EXPECT_EQ(second.info.fingerprint, first.info.fingerprint);
  EXPECT_EQ(read_certificate(second.certificate_file)->fingerprint, first.info.fingerprint);
}

TEST_F(CertificateFiles, OnlyTheOwnerReadsTheKey) {
  struct stat status {};
  ASSERT_EQ(::stat(get(kNow).private_key_file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
}

TEST_F(CertificateFiles, AFolderThatOthersWriteToIsRefused) {
  get(kNow);
  fs::permissions(folder_ / "tls", fs::perms::others_write, fs::perm_options::add);
  const auto certificate = development_certificate(folder_ / "tls", {}, kNow);
  ASSERT_FALSE(certificate);
  EXPECT_NE(certificate.error().message.find("tls belongs to another user"), std::string::npos)
      << certificate.error().message;
}

TEST_F(CertificateFiles, NoTemporaryFileIsLeft) {
  const auto certificate = get(kNow);
  const auto count = std::distance(fs::directory_iterator{folder_ / "tls"}, fs::directory_iterator{});
  EXPECT_EQ(count, 2);
}

TEST_F(CertificateFiles, AreReplacedOneDayBeforeTheEnd) {
  const auto first = get(kNow);
  EXPECT_FALSE(get(first.info.not_after - 24h - 1s).is_new);
  EXPECT_TRUE(get(first.info.not_after - 24h).is_new);
}

TEST_F(CertificateFiles, AreReplacedWhenANameIsMissing) {
  get(kNow);
  CertificateOptions options;
  options.names.emplace_back("example.test");
  EXPECT_TRUE(get(kNow, options).is_new);
  EXPECT_FALSE(get(kNow).is_new);
}

TEST_F(CertificateFiles, AnAddressMayBeSpelledInAnyWay) {
  CertificateOptions options;
  options.names = {"0:0:0:0:0:0:0:1", "2001:DB8::00FF"};
  EXPECT_TRUE(get(kNow, options).is_new);
  EXPECT_FALSE(get(kNow, options).is_new);
}

TEST_F(CertificateFiles, AreReplacedWhenTheKeyDoesNotFit) {
  const auto first = get(kNow);
  ASSERT_TRUE(write_file(first.private_key_file, make_certificate({}, kNow)->private_key, 0600));
  EXPECT_TRUE(get(kNow).is_new);
}

TEST_F(CertificateFiles, AreReplacedWhenDamaged) {
  const auto first = get(kNow);
  std::ofstream{first.certificate_file} << "damaged";
  EXPECT_TRUE(get(kNow).is_new);
}

TEST_F(CertificateFiles, ManyStartersAgreeOnOne) {
  std::vector<DevelopmentCertificate> certificates(8);
  {
    std::vector<std::jthread> threads;
    for (auto& certificate : certificates) threads.emplace_back([&] { certificate = get(kNow); });
  }
  int made = 0;
  for (const auto& certificate : certificates) {
    made += certificate.is_new ? 1 : 0;
    EXPECT_EQ(certificate.info.fingerprint, certificates[0].info.fingerprint);
  }
  EXPECT_EQ(made, 1);
}

TEST_F(CertificateFiles, AFolderThatStaysLockedIsNamed) {
  const auto first = get(kNow);
  const int other = ::open((folder_ / "tls").c_str(), O_RDONLY | O_DIRECTORY);
  ASSERT_EQ(::flock(other, LOCK_EX), 0);
  const auto refused = development_certificate(folder_ / "tls", {}, kNow, 30ms);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("cannot lock folder " + (folder_ / "tls").string()), std::string::npos)
      << refused.error().message;
  ::close(other);
  EXPECT_EQ(get(kNow).info.fingerprint, first.info.fingerprint);
}

TEST_F(CertificateFiles, AFolderThatCannotBeMadeIsNamed) {
  std::ofstream{folder_ / "file"} << "x";
  const auto certificate = development_certificate(folder_ / "file" / "tls", {}, kNow);
  ASSERT_FALSE(certificate);
  EXPECT_NE(certificate.error().message.find("file/tls"), std::string::npos) << certificate.error().message;
}

TEST_F(CertificateFiles, AFileAboveTheLimitIsRefused) {
  std::ofstream{folder_ / "large"} << std::string(kFileBytesMax + 1, 'x');
  ASSERT_FALSE(read_file(folder_ / "large"));
  std::ofstream{folder_ / "fits"} << std::string(kFileBytesMax, 'x');
  EXPECT_EQ(read_file(folder_ / "fits")->size(), kFileBytesMax);
}

}  // namespace
}  // namespace plait::crypto
