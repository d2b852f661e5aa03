#include "bench/components/raw_frames.hpp"

#include "bench/components/opcodes.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace plait::bench {

namespace {

constexpr std::uint8_t kMaskBit = 0x80;

struct ClientHeader {
  std::size_t bytes = 0;  // 0: not all here
  std::uint64_t payload_bytes = 0;
  std::uint32_t key = 0;
};

ClientHeader parse_header(ByteView data) {
  ClientHeader header;
  if (data.size() < 2) return header;
  const std::uint8_t length = data[1] & 0x7F;
  const std::size_t extended = length == 126 ? 2 : length == 127 ? 8 : 0;
  if (data.size() < 2 + extended + 4) return header;
  header.payload_bytes = extended == 0 ? length : 0;
  for (std::size_t i = 0; i < extended; ++i) header.payload_bytes = header.payload_bytes << 8 | data[2 + i];
  std::memcpy(&header.key, data.data() + 2 + extended, 4);
  header.bytes = 2 + extended + 4;
  return header;
}

/// Copies the header without its masking key to `to`; gives its length.
std::size_t write_server_header(std::uint8_t* to, ByteView client_header) {
  const std::size_t bytes = client_header.size() - 4;
  std::memmove(to, client_header.data(), bytes);
  to[1] &= static_cast<std::uint8_t>(~kMaskBit);
  if ((to[0] & 0x0F) == kOpcodePing) to[0] = static_cast<std::uint8_t>((to[0] & 0xF0) | kOpcodePong);
  return bytes;
}

}  // namespace

std::optional<std::string> answer_opening_handshake(std::string_view head) {
  constexpr std::string_view kField = "Sec-WebSocket-Key: ";
  constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  const auto field = head.find(kField);
  if (field == std::string_view::npos) return std::nullopt;
  const auto begin = field + kField.size();
  const std::string salted = std::string{head.substr(begin, head.find('\r', begin) - begin)} + std::string{kGuid};
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned digest_bytes = 0;
  EVP_Digest(salted.data(), salted.size(), digest.data(), &digest_bytes, EVP_sha1(), nullptr);
  std::array<unsigned char, std::size_t{2} * EVP_MAX_MD_SIZE> accept{};
  EVP_EncodeBlock(accept.data(), digest.data(), static_cast<int>(digest_bytes));
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
         std::string{reinterpret_cast<const char*>(accept.data())} + "\r\n\r\n";
}

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
__attribute__((target_clones("avx512f", "avx2", "default")))
#endif
void unmask_down(std::uint8_t* to, const std::uint8_t* from, std::size_t count, std::uint32_t key) {
  // Eight words a step: a fixed-size block is loaded whole before it is stored, so an overlap below it does no harm,
  // and the compiler turns the block into one or two vector operations.
  using Word = std::uint64_t;
  const Word wide = static_cast<Word>(key) << 32 | key;
  std::size_t at = 0;
  for (; at + 64 <= count; at += 64) {
    std::array<Word, 8> block;
    std::memcpy(block.data(), from + at, 64);
    for (Word& word : block) word ^= wide;
    std::memcpy(to + at, block.data(), 64);
  }
  for (; at + 8 <= count; at += 8) {
    Word word = 0;
    std::memcpy(&word, from + at, 8);
    word ^= wide;
    std::memcpy(to + at, &word, 8);
  }
  for (; at < count; ++at) to[at] = from[at] ^ static_cast<std::uint8_t>(key >> (8 * (at % 4)));
}

ByteView answer_frames(RawConnection& connection, MutableByteView data) {
  std::uint8_t* const begin = data.data();
  const std::uint8_t* const end = begin + data.size();
  const std::uint8_t* read = begin;
  std::uint8_t* write = begin;
  while (read < end) {
    if (connection.payload_left == 0) {
      const ClientHeader header = parse_header({read, end});
      if (header.bytes == 0) {
        connection.partial.assign(read, end);
        break;
      }
      if ((*read & 0x0F) == kOpcodeClose) connection.is_open = false;
      write += write_server_header(write, {read, header.bytes});
      read += header.bytes;
      connection.payload_left = header.payload_bytes;
      connection.masking_key = header.key;
    }
    const auto part = std::min<std::size_t>(connection.payload_left, static_cast<std::size_t>(end - read));
    unmask_down(write, read, part, connection.masking_key);
    connection.masking_key = std::rotr(connection.masking_key, static_cast<int>(8 * (part % 4)));
    connection.payload_left -= part;
    read += part;
    write += part;
  }
  return {begin, write};
}

}  // namespace plait::bench
