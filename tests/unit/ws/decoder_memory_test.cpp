// No input makes the decoder allocate more than its limits, and whole messages make it allocate nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>

#include "codec/deflate.hpp"
#include "codec/utf8.hpp"
#include "support/allocations.hpp"
#include "unit/ws/frames.hpp"

namespace plait::ws {
namespace {

constexpr std::size_t kBlockHeader = sizeof(Block);

struct Outcome {
  test::Allocations allocations{};
  std::size_t messages = 0;
  std::optional<Error> error{};
};

// All calls of next() that `data` is good for.
Outcome run_on(Decoder& decoder, Buffer data) {
  Outcome outcome;
  MutableByteView input{data};
  test::start_counting();
  Event event = decoder.next(input);
  for (; event.kind != Event::Kind::need_more && event.kind != Event::Kind::failed; event = decoder.next(input)) {
    outcome.messages += event.kind == Event::Kind::message ? 1 : 0;
  }
  if (event.kind == Event::Kind::failed) outcome.error = event.error;
  outcome.allocations = test::stop_counting();
  return outcome;
}

test::Allocations allocations_of(Decoder& decoder, const Buffer& data) { return run_on(decoder, data).allocations; }

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
  const Outcome outcome = run_on(decoder, frame.bytes());
  EXPECT_LE(outcome.allocations.bytes_max, bound + kBlockHeader);
  EXPECT_EQ(outcome.error, Error::inflate_bomb);
}

std::string random_payload(std::mt19937& random) {
  std::string payload(random() % 9'000, 'a');
  if (random() % 2 == 0) std::generate(payload.begin(), payload.end(), [&] { return static_cast<char>(random()); });
  return payload;
}

std::string deflated(codec::Deflater& deflater, std::string_view piece, bool last) {
  core::VectorSink out;
  last ? deflater.finish(as_bytes(piece), out) : deflater.add(as_bytes(piece), out);
  return std::string{as_text(out.bytes)};
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
  std::size_t messages = 0;
  std::size_t inflated = 0;
  for (int round = 0; round < 500; ++round) {
    codec::Inflater inflater{{}};
    codec::Deflater deflater{{}};
    core::BufferPool pool;
    Decoder decoder{{.inflater = &inflater}, limits, pool};
    const bool deflates = round % 2 == 0;
    bool inside = false;
    for (int frame = 0; frame < 8; ++frame) {
      const bool wrong = random() % 20 == 0;
      Frame next{.payload = random_payload(random), .fin = random() % 3 == 0};
      next.opcode = inside != wrong ? Opcode::continuation : Opcode::binary;
      next.rsv1 = next.opcode == Opcode::binary && (deflates || random() % 4 == 0);  // or says that it is compressed
      if (deflates) next.payload = deflated(deflater, next.payload, next.fin);
      inside = !next.fin;
      const Outcome outcome = run_on(decoder, next.bytes());
      ASSERT_LE(outcome.allocations.bytes_max, bound);
      messages += outcome.messages;
      inflated += deflates ? outcome.messages : 0;
      if (outcome.error) break;
    }
  }
  EXPECT_GT(messages, 200U) << "most frames are right";
  EXPECT_GT(inflated, 100U);
}

}  // namespace
}  // namespace plait::ws
