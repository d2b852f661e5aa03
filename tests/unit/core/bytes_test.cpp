#include <plait/bytes.hpp>
#include <plait/session.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "core/buffer_pool.hpp"

namespace plait {
namespace {

TEST(Bytes, CopiesShareOneBlock) {
  const Bytes first = Bytes::copy_of("hello");
  const Bytes second = first;  // NOLINT(performance-unnecessary-copy-initialization)
  EXPECT_EQ(first.data(), second.data());
  EXPECT_EQ(second.text(), "hello");
  EXPECT_EQ(first.block()->reference_count.load(), 2U);
}

TEST(Bytes, SliceKeepsTheBlockAlive) {
  Bytes slice;
  {
    const Bytes whole = Bytes::copy_of("hello world");
    slice = whole.slice(6, 5);
  }
  EXPECT_EQ(slice.text(), "world");
}

TEST(Bytes, SharedBetweenThreadsCountsExactly) {
  Bytes bytes = Bytes::copy_of("payload");
  bytes.share_between_threads();
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([bytes] {
        for (int n = 0; n < 10'000; ++n) {
          const Bytes copy = bytes;
          ASSERT_EQ(copy.size(), 7U);
        }
      });
    }
  }
  EXPECT_EQ(bytes.block()->reference_count.load(), 1U);
}

TEST(Message, ShareOfAReceivedBlockDoesNotCopy) {
  core::BufferPool pool;
  Block* block = pool.take(100);
  const auto message = Message::received(MessageKind::binary, {block->data(), 10}, Message::Storage::block, block);
  const Bytes owned = message.share();
  block->release();
  EXPECT_EQ(owned.data(), block->data());
}

TEST(Message, ShareOfABorrowedMessageCopies) {
  const std::string text = "borrowed";
  const Bytes owned = Message::text(text).share();
  EXPECT_EQ(owned.text(), text);
  EXPECT_NE(static_cast<const void*>(owned.data()), static_cast<const void*>(text.data()));
}

TEST(BufferPool, HandsAFreedBlockOutAgain) {
  core::BufferPool pool;
  Block* first = pool.take(1000);
  EXPECT_GE(first->capacity, 1000U);
  first->release();
  EXPECT_EQ(pool.kept_bytes(), first->capacity);
  Block* second = pool.take(600);
  EXPECT_EQ(second, first);
  EXPECT_EQ(pool.kept_bytes(), 0U);
  second->release();
}

TEST(BufferPool, KeepsAtMostItsBound) {
  core::BufferPool pool{4096};
  std::vector<Block*> blocks;
  for (int i = 0; i < 10; ++i) blocks.push_back(pool.take(2048));
  for (Block* block : blocks) block->release();
  EXPECT_EQ(pool.kept_bytes(), 4096U);
}

TEST(BufferPool, ABlockSharedBetweenThreadsNeverComesBack) {
  core::BufferPool pool;
  Block* block = pool.take(500);
  Bytes bytes = Bytes::share(*block, {block->data(), 500});
  block->release();
  bytes.share_between_threads();
  std::jthread{[moved = std::move(bytes)]() mutable { moved = {}; }};
  EXPECT_EQ(pool.kept_bytes(), 0U);
}

TEST(BufferPool, BlocksMayOutliveIt) {
  Bytes first;
  Bytes second;
  {
    core::BufferPool pool;
    for (Bytes* bytes : {&first, &second}) {
      Block* block = pool.take(1 << 20);
      std::fill_n(block->data(), block->capacity, std::uint8_t{'x'});
      *bytes = Bytes::share(*block, {block->data(), block->capacity});
      block->release();
    }
    pool.take(500)->release();
  }
  EXPECT_EQ(first.text(), std::string(1 << 20, 'x'));
  first = {};
  EXPECT_EQ(second.text(), std::string(1 << 20, 'x'));
  second.share_between_threads();  // also then
}

TEST(BufferPool, TheLastBlocksMayBeDroppedOnAnyThreads) {
  constexpr std::size_t kBlocks = 64;
  std::vector<std::jthread> threads;
  auto pool = std::make_unique<core::BufferPool>();
  std::vector<Bytes> kept;
  for (std::size_t i = 0; i < kBlocks; ++i) {
    Block* block = pool->take(5000);
    kept.push_back(Bytes::share(*block, {block->data(), 0}));
    block->release();
  }
  pool.reset();
  for (Bytes& bytes : kept) threads.emplace_back([moved = std::move(bytes)]() mutable { moved = {}; });
}

TEST(BufferPool, SizeClassesHoldTheirCapacityAtEveryBoundary) {
  core::BufferPool pool;
  for (std::size_t size : {1U, 255U, 256U, 257U, 511U, 512U, 513U, 4096U, 4097U, 8U << 20U, (8U << 20U) + 1}) {
    Block* block = pool.take(size);
    EXPECT_GE(block->capacity, size);
    block->release();
  }
}

}  // namespace
}  // namespace plait
