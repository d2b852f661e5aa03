#include "unit/quic/initials.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "core/varint.hpp"
#include "quic/key_schedule.hpp"

namespace plait::quic {
namespace {

constexpr std::size_t kDatagramBytes = 1200;
constexpr std::size_t kNumberBytesMax = 4;

/// What protects the client's packets.
struct Keys {
  explicit Keys(ByteView destination) {
    const auto derived = derive_keys(Cipher::aes_128_gcm, Hash::sha256, derive_initial_secrets(destination)->client);
    const std::size_t size = key_bytes(Cipher::aes_128_gcm);
    iv = derived->iv;
    packet = make_packet_key(Cipher::aes_128_gcm, {derived->key.data(), size});
    header = make_header_key(Cipher::aes_128_gcm, {derived->header_key.data(), size});
  }
  [[nodiscard]] std::array<std::uint8_t, kNonceBytes> nonce(std::uint8_t number) const {
    auto nonce = iv;
    nonce.back() ^= number;
    return nonce;
  }
  std::array<std::uint8_t, kNonceBytes> iv{};
  std::unique_ptr<PacketKey> packet;
  std::unique_ptr<HeaderKey> header;
};

void append_id(std::vector<std::uint8_t>& out, const std::vector<std::uint8_t>& id) {
  out.push_back(static_cast<std::uint8_t>(id.size()));
  out.insert(out.end(), id.begin(), id.end());
}

void append_size(std::vector<std::uint8_t>& out, std::size_t value) {  // a varint of two bytes
  out.push_back(static_cast<std::uint8_t>(0x40U | value >> 8U));
  out.push_back(static_cast<std::uint8_t>(value));
}

}  // namespace

std::vector<std::uint8_t> seal(const Initial& initial) {
  std::vector<std::uint8_t> packet{0xC0 | (kNumberBytesMax - 1), 0, 0, 0, 1};
  append_id(packet, initial.destination);
  append_id(packet, initial.source);
  packet.push_back(0);  // no token
  const std::size_t number_at = packet.size() + 2;
  append_size(packet, kDatagramBytes - number_at);
  packet.insert(packet.end(), {0, 0, 0, initial.number});
  const std::vector<std::uint8_t> associated = packet;
  std::vector<std::uint8_t> payload = initial.payload;
  payload.resize(kDatagramBytes - packet.size() - kTagBytes);
  packet.resize(kDatagramBytes);
  const Keys keys{initial.destination};
  EXPECT_TRUE(
      keys.packet->seal(packet.data() + associated.size(), payload, keys.nonce(initial.number).data(), associated));
  std::array<std::uint8_t, kMaskBytes> mask{};
  EXPECT_TRUE(keys.header->mask(mask.data(), packet.data() + number_at + kNumberBytesMax));
  packet[0] ^= static_cast<std::uint8_t>(mask[0] & 0x0fU);
  for (std::size_t i = 0; i < kNumberBytesMax; ++i) packet[number_at + i] ^= mask.at(i + 1);
  return packet;
}

Initial open_initial(ByteView datagram) {
  Initial initial;
  std::vector<std::uint8_t> packet{datagram.begin(), datagram.end()};
  std::size_t at = 5;
  for (auto* id : {&initial.destination, &initial.source}) {
    const auto begin = packet.begin() + static_cast<std::ptrdiff_t>(at) + 1;
    id->assign(begin, begin + packet[at]);
    at += 1 + id->size();
  }
  EXPECT_EQ(packet[at], 0U) << "a token";
  const core::Varint length = core::decode_varint(ByteView{packet}.subspan(at + 1));
  const std::size_t number_at = at + 1 + length.size;
  packet.resize(number_at + static_cast<std::size_t>(length.value));
  const Keys keys{initial.destination};
  std::array<std::uint8_t, kMaskBytes> mask{};
  EXPECT_TRUE(keys.header->mask(mask.data(), packet.data() + number_at + kNumberBytesMax));
  packet[0] ^= static_cast<std::uint8_t>(mask[0] & 0x0fU);
  const std::size_t number_bytes = (packet[0] & 3U) + 1;
  for (std::size_t i = 0; i < number_bytes; ++i) packet[number_at + i] ^= mask.at(i + 1);
  const std::size_t payload_at = number_at + number_bytes;
  initial.number = packet[payload_at - 1];
  const ByteView sealed = ByteView{packet}.subspan(payload_at);
  initial.payload.resize(sealed.size());  // more than it needs
  EXPECT_TRUE(keys.packet->open(initial.payload.data(), sealed, keys.nonce(initial.number).data(),
                                ByteView{packet}.first(payload_at)));
  initial.payload.resize(sealed.size() - kTagBytes);
  return initial;
}

std::vector<std::uint8_t> crypto_frame(std::uint16_t offset, ByteView data) {
  std::vector<std::uint8_t> frame{0x06};
  append_size(frame, offset);
  append_size(frame, data.size());
  frame.insert(frame.end(), data.begin(), data.end());
  return frame;
}

std::vector<std::uint8_t> crypto_data(ByteView payload) {
  std::vector<std::uint8_t> data;
  const auto varint = [&payload] {
    const core::Varint read = core::decode_varint(payload);
    payload = payload.subspan(read.size);
    return static_cast<std::size_t>(read.value);
  };
  while (!payload.empty()) {
    if (varint() != 0x06) continue;
    const std::size_t offset = varint();
    const std::size_t size = varint();
    data.resize(std::max(data.size(), offset + size));
    std::copy_n(payload.begin(), size, data.begin() + static_cast<std::ptrdiff_t>(offset));
    payload = payload.subspan(size);
  }
  return data;
}

}  // namespace plait::quic
