#include "bench/components/generator/deflate.hpp"

#define ZLIB_CONST  // next_in is const
#include <zlib.h>

#include <array>

namespace plait::bench {

namespace {

constexpr int kRawWindowBits = -15;
constexpr std::array<std::uint8_t, 4> kTail = {0x00, 0x00, 0xFF, 0xFF};

}  // namespace

std::vector<std::uint8_t> deflate_message(ByteView message) {
  z_stream stream{};
  deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, kRawWindowBits, 8, Z_DEFAULT_STRATEGY);
  std::vector<std::uint8_t> out(deflateBound(&stream, message.size()) + 16);
  stream.next_in = message.data();
  stream.avail_in = static_cast<uInt>(message.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_SYNC_FLUSH);
  out.resize(out.size() - stream.avail_out - kTail.size());
  deflateEnd(&stream);
  return out;
}

std::vector<std::uint8_t> inflate_message(ByteView payload, std::size_t bytes_max) {
  std::vector<std::uint8_t> input(payload.begin(), payload.end());
  input.insert(input.end(), kTail.begin(), kTail.end());
  std::vector<std::uint8_t> out(bytes_max + 1);
  z_stream stream{};
  inflateInit2(&stream, kRawWindowBits);
  stream.next_in = input.data();
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  const int status = inflate(&stream, Z_SYNC_FLUSH);
  const bool whole = (status == Z_OK || status == Z_BUF_ERROR || status == Z_STREAM_END) && stream.avail_in == 0;
  out.resize(whole && stream.avail_out > 0 ? out.size() - stream.avail_out : 0);
  inflateEnd(&stream);
  return out;
}

}  // namespace plait::bench
