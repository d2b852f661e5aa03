#include "tls/context.hpp"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <unistd.h>

#include "pair.hpp"

namespace plait::tls {
namespace {

class ContextTest : public testing::Test {
 protected:
  static std::string error_of(const Result<Context, Error>& result) { return result ? "" : result.error().message; }
  Credentials credentials_;
};

TEST_F(ContextTest, AMissingCertificateIsNamed) {
  ServerConfig config = credentials_.server();
  config.certificate_file = "/nonexistent/cert.pem";
  const auto result = Context::server(config);
  EXPECT_EQ(error_of(result),
            "cannot read certificate file /nonexistent/cert.pem: No such file or directory; give a PEM file with the "
            "chain, leaf first");
  EXPECT_EQ(result.error().system_errno, ENOENT);
  config.certificate_file = "";
  EXPECT_EQ(error_of(Context::server(config)), "no certificate file given: give a PEM file with the chain, leaf first");
}

TEST_F(ContextTest, AMissingKeyIsNamed) {
  ServerConfig config = credentials_.server();
  config.private_key_file = "/nonexistent/key.pem";
  EXPECT_EQ(error_of(Context::server(config)),
            "cannot read private key file /nonexistent/key.pem: No such file or directory; give the certificate's key "
            "in PEM");
}

TEST_F(ContextTest, AFolderInPlaceOfAFileIsRefused) {
  ServerConfig config = credentials_.server();
  config.certificate_file = "/tmp";
  EXPECT_FALSE(Context::server(config));
}

TEST_F(ContextTest, ACertificateFileWithoutOneIsNamed) {
  ServerConfig config = credentials_.server();
  config.certificate_file = credentials_.key();
  const std::string error = error_of(Context::server(config));
  EXPECT_TRUE(error.starts_with("certificate file " + credentials_.key() + " has no usable PEM certificate chain"));
  EXPECT_TRUE(error.ends_with("; give a PEM file with the chain, leaf first"));
}

TEST_F(ContextTest, AKeyFileWithoutOneIsNamed) {
  ServerConfig config = credentials_.server();
  config.private_key_file = credentials_.certificate();
  EXPECT_EQ(error_of(Context::server(config)), "private key file " + credentials_.certificate() +
                                                   " has no usable PEM private key; it must not need a passphrase");
}

TEST_F(ContextTest, AnEncryptedKeyIsRefusedWithoutAsking) {
  const std::string file = credentials_.file("encrypted.pem");
  std::FILE* out = std::fopen(file.c_str(), "wb");
  EVP_PKEY* key = EVP_EC_gen("P-256");
  ASSERT_EQ(PEM_write_PKCS8PrivateKey(out, key, EVP_aes_128_cbc(), "secret", 6, nullptr, nullptr), 1);
  EVP_PKEY_free(key);
  std::fclose(out);
  ServerConfig config = credentials_.server();
  config.private_key_file = file;
  EXPECT_TRUE(error_of(Context::server(config)).ends_with("it must not need a passphrase"));
}

TEST_F(ContextTest, AKeyOfAnotherCertificateIsNamed) {
  const Credentials other;
  ServerConfig config = credentials_.server();
  config.private_key_file = other.key();
  EXPECT_EQ(error_of(Context::server(config)),
            "private key file " + other.key() + " does not belong to certificate file " + credentials_.certificate() +
                ": give the key that the certificate was made with");
}

TEST_F(ContextTest, AKeyOfAnotherTypeThanTheCertificatesIsNamed) {
  const std::string file = credentials_.file("rsa.pem");
  std::FILE* out = std::fopen(file.c_str(), "wb");
  EVP_PKEY* key = EVP_RSA_gen(2048);
  ASSERT_EQ(PEM_write_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr), 1);
  EVP_PKEY_free(key);
  std::fclose(out);
  ServerConfig config = credentials_.server();
  config.private_key_file = file;
  EXPECT_TRUE(error_of(Context::server(config))
                  .starts_with("private key file " + file + " does not belong to certificate file "));
}

TEST_F(ContextTest, AnExpiredCertificateIsStillServed) {
  const Credentials expired{{}, std::chrono::system_clock::now() - std::chrono::days{30}};
  EXPECT_EQ(error_of(Context::server(expired.server())), "");
}

TEST_F(ContextTest, ABadAuthorityFileIsNamed) {
  ClientConfig config;
  config.authority_file = "/nonexistent/ca.pem";
  EXPECT_EQ(error_of(Context::client(config)),
            "cannot read certificate authority file /nonexistent/ca.pem: No such file or directory; give a PEM file");
  config.authority_file = credentials_.key();
  EXPECT_TRUE(error_of(Context::client(config))
                  .starts_with("certificate authority file " + credentials_.key() + " has no PEM certificate"));
}

}  // namespace
}  // namespace plait::tls
