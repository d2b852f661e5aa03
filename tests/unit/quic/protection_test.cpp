// Keys and packet protection against RFC 9001's examples, and the back ends against each other.
#include "quic/protection.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "quic/key_schedule.hpp"

namespace plait::quic {
namespace {

std::vector<std::uint8_t> hex(std::string_view text) {
  const auto digit = [](char c) { return static_cast<std::uint8_t>(c <= '9' ? c - '0' : c - 'a' + 10); };
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes.push_back(static_cast<std::uint8_t>(digit(text[i]) << 4 | digit(text[i + 1])));
  }
  return bytes;
}

template <class Array>
std::vector<std::uint8_t> first(const Array& array, std::size_t size) {
  return {array.begin(), array.begin() + static_cast<std::ptrdiff_t>(size)};
}

TEST(QuicKeys, Rfc9001AppendixA1_InitialKeys) {
  const auto secrets = derive_initial_secrets(hex("8394c8f03e515708")).value();
  EXPECT_EQ(first(secrets.client, 32), hex("c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea"));
  EXPECT_EQ(first(secrets.server, 32), hex("3c199828fd139efd216c155ad844cc81fb82fa8d7446fa7d78be803acdda951b"));
  const auto keys = derive_keys(Cipher::aes_128_gcm, Hash::sha256, secrets.client).value();
  EXPECT_EQ(first(keys.key, 16), hex("1f369613dd76d5467730efcbe3b1a22d"));
  EXPECT_EQ(first(keys.iv, 12), hex("fa044b2f42a3fd3b46fb255c"));
  EXPECT_EQ(first(keys.header_key, 16), hex("9f50449e04a0e810283a1e9933adedd2"));
}

TEST(QuicKeys, Rfc9001AppendixA5_ChaCha20) {
  const auto secret = hex("9ac312a7f877468ebe69422748ad00a15443f18203a07d6060f688f30f21632b");
  const auto keys = derive_keys(Cipher::chacha20_poly1305, Hash::sha256, secret).value();
  EXPECT_EQ(first(keys.key, 32), hex("c6d98ff3441c3fe1b2182094f69caa2ed4b716b65488960a7a984979fb23e1c8"));
  std::array<std::uint8_t, 32> next;
  EXPECT_TRUE(expand_label(Hash::sha256, secret, "quic ku", next));
  EXPECT_EQ(first(next, 32), hex("1223504755036d556342ee9361d253421a826c9ecdf3c7148684b36b714881f9"));
  std::array<std::uint8_t, kMaskBytes> mask;
  auto header = make_header_key(Cipher::chacha20_poly1305, keys.header_key);
  EXPECT_TRUE(header->mask(mask.data(), hex("5e5cd55c41f69080575d7999c25a5bfb").data()));
  EXPECT_EQ(first(mask, 5), hex("aefefe7d03"));
}

TEST(QuicKeys, ADeferredKeyIsTheSameAsOneMadeAtOnce) {
  const auto secret = hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
  const auto nonce = hex("000102030405060708090a0b");
  for (const Cipher cipher : {Cipher::aes_128_gcm, Cipher::aes_256_gcm, Cipher::chacha20_poly1305}) {
    const ByteView raw = ByteView{secret}.first(key_bytes(cipher));
    const auto now = make_packet_key(cipher, raw);
    const auto later = make_deferred_packet_key(cipher, raw);
    const std::vector<std::uint8_t> plaintext(100, 7);
    std::vector<std::uint8_t> sealed(plaintext.size() + kTagBytes);
    std::vector<std::uint8_t> expected(sealed.size());
    EXPECT_TRUE(now->seal(expected.data(), plaintext, nonce.data(), {}));
    EXPECT_TRUE(later->seal(sealed.data(), plaintext, nonce.data(), {}));
    EXPECT_EQ(sealed, expected);
    std::vector<std::uint8_t> opened(plaintext.size());
    EXPECT_TRUE(make_deferred_packet_key(cipher, raw)->open(opened.data(), sealed, nonce.data(), {}));
    EXPECT_EQ(opened, plaintext);
    sealed.back() ^= 1;
    EXPECT_FALSE(make_deferred_packet_key(cipher, raw)->open(opened.data(), sealed, nonce.data(), {}));
  }
}

class QuicProtection : public testing::TestWithParam<Backend> {};

TEST_P(QuicProtection, Rfc9001AppendixA2_HeaderMask) {
  auto key = make_header_key(Cipher::aes_128_gcm, hex("9f50449e04a0e810283a1e9933adedd2"), GetParam());
  std::array<std::uint8_t, kMaskBytes> mask;
  EXPECT_TRUE(key->mask(mask.data(), hex("d1b1c98dd7689fb8ec11d242b123dc9b").data()));
  EXPECT_EQ(first(mask, 5), hex("437b9aec36"));
}

TEST_P(QuicProtection, WhatIsSealedOpensWithTheOtherBackendAndNothingElseDoes) {
  for (const Cipher cipher : {Cipher::aes_128_gcm, Cipher::aes_256_gcm, Cipher::chacha20_poly1305}) {
    std::vector<std::uint8_t> secret(key_bytes(cipher), 0x5a);
    auto sealing = make_packet_key(cipher, secret, GetParam());
    auto opening = make_packet_key(cipher, secret, Backend::gnutls);
    const auto nonce = hex("000102030405060708090a0b");
    const auto associated = hex("40deadbeef");
    for (const std::size_t size : {1U, 15U, 16U, 17U, 64U, 1200U, 1452U, 16000U}) {
      const std::vector<std::uint8_t> text(size, 0x33);
      std::vector<std::uint8_t> sealed(size + kTagBytes);
      std::vector<std::uint8_t> opened(size);
      ASSERT_TRUE(sealing->seal(sealed.data(), text, nonce.data(), associated));
      ASSERT_TRUE(opening->open(opened.data(), sealed, nonce.data(), associated)) << size;
      EXPECT_EQ(opened, text);
      ASSERT_TRUE(sealing->open(opened.data(), sealed, nonce.data(), associated));
      sealed[size / 2] ^= 1;
      EXPECT_FALSE(sealing->open(opened.data(), sealed, nonce.data(), associated));
    }
    std::vector<std::uint8_t> nothing(kTagBytes - 1);
    EXPECT_FALSE(sealing->open(nothing.data(), nothing, nonce.data(), associated));
  }
}

TEST_P(QuicProtection, SealsInPlace) {
  auto key = make_packet_key(Cipher::aes_128_gcm, hex("1f369613dd76d5467730efcbe3b1a22d"), GetParam());
  const auto nonce = hex("fa044b2f42a3fd3b46fb255c");
  std::vector<std::uint8_t> apart(500 + kTagBytes);
  std::vector<std::uint8_t> same(500 + kTagBytes, 0x11);
  EXPECT_TRUE(key->seal(apart.data(), ByteView{same}.first(500), nonce.data(), nonce));
  EXPECT_TRUE(key->seal(same.data(), ByteView{same}.first(500), nonce.data(), nonce));
  EXPECT_EQ(apart, same);
}

INSTANTIATE_TEST_SUITE_P(Backends, QuicProtection, testing::Values(Backend::fastest, Backend::gnutls),
                         [](const auto& one) { return one.param == Backend::fastest ? "fastest" : "gnutls"; });

}  // namespace
}  // namespace plait::quic
