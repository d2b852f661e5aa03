// No input makes the decoder allocate more than its limits, and whole messages make it allocate nothing.
#include <gtest/gtest.h>

#include <random>

#include "codec/deflate.hpp"
#include "codec/utf8.hpp"
#include "support/allocations.hpp"
#include "unit/ws/frames.hpp"

namespace plait::ws {
namespace {

constexpr std::size_t kBlockHeader = sizeof(Block);

// What one call of next() on `data` allocates.
test::Allocations allocations_of(Decoder& decoder, Buffer data) {
  MutableByteView input{data};
  test::start_counting();
  while (true) {
    const auto kind = decoder.next(input).kind;
    if (kind == Event::Kind::need_more || kind == Event::Kind::failed) break;
  }
  return test::stop_counting();
}

Buffer header_declaring(std::uint64_t length) {
  Buffer header(kFrameHeaderBytesMax);
  const std::uint32_t key = 0x12345678;
  header.resize(encode_frame_header(header.data(), Opcode::binary, true, false, length, &key));
  return header;
}

TEST(Allocations, AreCounted) {
  test::start_counting();
  Block::make(1000)->release();
  const auto counted = test::stop_counting();
  EXPECT_EQ(counted.count, 1U);
  EXPECT_EQ(counted.bytes_max, 1000 + kBlockHeader);
}

TEST(DecoderMemory, WholeMessagesAllocateNothing) {
  core::BufferPool pool;
  const Limits limits;
  Decoder decoder{{}, limits, pool};
  Buffer stream;
  for (const std::size_t size : {0U, 1U, 93U, 125U, 126U, 4096U, 65535U, 65536U, 200'000U}) {
    stream = stream + Frame{.payload = std::string(size, 'a')}.bytes() +
             Frame{.opcode = Opcode::ping, .payload = "ping"}.bytes() +
             Frame{.opcode = Opcode::binary, .payload = std::string(size, 'b')}.bytes();
  }
  // simdjson picks its kernels when it is first used, with five allocations in the life of the process.
  ASSERT_TRUE(codec::is_utf8(as_bytes(std::string(1000, 'a'))));
  EXPECT_EQ(allocations_of(decoder, stream).count, 0U);
}

TEST(DecoderMemory, GatheredMessagesReuseThePoolsBlocks) {
  core::BufferPool pool;
  const Limits limits;
  Decoder decoder{{}, limits, pool};
  const Buffer frames = Frame{.payload = std::string(50'000, 'a'), .fin = false}.bytes() +
                        Frame{.opcode = Opcode::continuation, .payload = std::string(50'000, 'b')}.bytes();
  EXPECT_GT(allocations_of(decoder, frames).count, 0U);
  EXPECT_EQ(allocations_of(decoder, frames).count, 0U);
}

TEST(DecoderMemory, UpTo1MiBIsAllocatedAtOnce) {
  core::BufferPool pool;
  const Limits limits;
  Decoder decoder{{}, limits, pool};
  const auto counted = allocations_of(decoder, header_declaring(1 << 20));
  EXPECT_EQ(counted.count, 0U) << "nothing has come yet";
  EXPECT_EQ(decoder.direct_buffer().size(), std::size_t{1} << 20);
}

TEST(DecoderMemory, ALargeDeclaredLengthAllocatesOnlyAsBytesArrive) {
  Limits limits;
  limits.message_bytes_max = std::size_t{64} << 20;
  core::BufferPool pool;
  Decoder decoder{{}, limits, pool};
  ASSERT_EQ(allocations_of(decoder, header_declaring(std::size_t{64} << 20)).count, 0U);
  std::size_t received = 0;
  while (received < (std::size_t{8} << 20)) {
    test::start_counting();
    const MutableByteView direct = decoder.direct_buffer();
    const auto counted = test::stop_counting();
    ASSERT_LE(counted.bytes_max, std::max(std::size_t{1} << 20, 2 * received) + kBlockHeader);
    ASSERT_FALSE(direct.empty());
    const std::size_t count = std::min<std::size_t>(direct.size(), 100'000);
    std::fill_n(direct.begin(), count, std::uint8_t{0});
    decoder.commit_direct(count);
    MutableByteView none;
    ASSERT_EQ(decoder.next(none).kind, Event::Kind::need_more);
    received += count;
  }
}

TEST(DecoderMemory, TheWholeOfALargeMessageArrivesThroughTheDirectBuffer) {
  const std::string payload(5 << 20, 'L');
  Driver driver;
  const Buffer frame = Frame{.payload = payload}.bytes();
  driver.feed(frame.size() > 100 ? ByteView{frame}.first(100) : ByteView{frame});
  driver.feed(ByteView{frame}.subspan(100));
  EXPECT_EQ(driver.direct_reads, 4U) << "1, 2, 4 and 8 MiB blocks";
  EXPECT_EQ(driver.seen, std::vector{text(payload)});
}

TEST(DecoderMemory, ADeclaredLengthAboveTheLimitAllocatesNothing) {
  const Limits limits;
  for (const std::uint64_t length :
       {std::uint64_t{limits.message_bytes_max} + 1, std::uint64_t{1} << 40, ~std::uint64_t{0} >> 1}) {
    core::BufferPool pool;
    Decoder decoder{{}, limits, pool};
    EXPECT_EQ(allocations_of(decoder, header_declaring(length)).count, 0U);
  }
}

TEST(DecoderMemory, ABombIsStoppedNearTheRatioNotAtTheMessageLimit) {
  const std::string zeros(16 << 20, '\0');
  core::VectorSink compressed;
  codec::Deflater deflater{{}};
  deflater.finish(as_bytes(zeros), compressed);
  const Frame frame{.opcode = Opcode::binary, .payload = std::string{as_text(compressed.bytes)}, .rsv1 = true};
  codec::Inflater inflater{{}};
  core::BufferPool pool;
  const Limits limits;
  Decoder decoder{{.inflater = &inflater}, limits, pool};
  // Beyond what is free, one step of compressed bytes may give 1032 times as much before the ratio is looked at; a
  // block at most doubles.
  const std::size_t bound = 2 * (codec::Inflater::kRatioFreeBytes + 1032 * codec::Inflater::kRatioStepBytes);
  EXPECT_LE(allocations_of(decoder, frame.bytes()).bytes_max, bound + kBlockHeader);
}

TEST(DecoderMemory, NoInputAllocatesMoreThanTheLimits) {
  Limits limits;
  limits.message_bytes_max = 20'000;
  const std::size_t block_max = 32'768 + kBlockHeader;     // the pool's size class of message_bytes_max + 1
  const std::size_t inflater_max = std::size_t{48} << 10;  // zlib's window and state
  const std::size_t bound = std::max(block_max, inflater_max);
  const auto seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random{seed};
  for (int round = 0; round < 500; ++round) {
    codec::Inflater inflater{{}};
    core::BufferPool pool;
    Decoder decoder{{.inflater = &inflater}, limits, pool};
    for (int frame = 0; frame < 8; ++frame) {
      Frame next{.opcode = static_cast<Opcode>(random() % 3), .payload = std::string(random() % 9'000, 'a')};
      next.fin = random() % 3 == 0;
      next.rsv1 = next.opcode != Opcode::continuation && random() % 2 == 0;
      for (char& c : next.payload) c = static_cast<char>(random());
      ASSERT_LE(allocations_of(decoder, next.bytes()).bytes_max, bound);
    }
  }
}

}  // namespace
}  // namespace plait::ws
