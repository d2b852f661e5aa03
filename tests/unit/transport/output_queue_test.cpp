// OutputQueue against a plain vector that does the same slowly.
#include "transport/tcp/output_queue.hpp"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>

namespace plait::transport {
namespace {

class TransportOutputQueue : public testing::Test {
 protected:
  /// All that is queued, as the kernel would see it in writes of at most `vectors_max` segments.
  std::string contents(std::size_t vectors_max = 1024) {
    std::vector<iovec> vectors(vectors_max);
    std::string text;
    const std::size_t count = queue_.fill(vectors);
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_GT(vectors[i].iov_len, 0U) << "an empty segment would be a wasted vector";
      text.append(static_cast<const char*>(vectors[i].iov_base), vectors[i].iov_len);
    }
    return text;
  }
  void append_shared(std::string_view text) {
    const Bytes bytes = Bytes::copy_of(text);
    queue_.append_shared(*bytes.block(), bytes.view());
  }

  core::BufferPool pool_;
  OutputQueue queue_{pool_};
};

TEST_F(TransportOutputQueue, IsEmptyAtFirst) {
  EXPECT_TRUE(queue_.empty());
  EXPECT_TRUE(queue_.front().empty());
  EXPECT_EQ(contents(), "");
}

TEST_F(TransportOutputQueue, SmallPiecesShareOneSegment) {
  for (const char* text : {"a", "", "bc", "def"}) queue_.append(as_bytes(text));
  EXPECT_EQ(as_text(queue_.front()), "abcdef");
  EXPECT_EQ(queue_.bytes(), 6U);
}

TEST_F(TransportOutputQueue, KeepsTheOrderOfAllKinds) {
  const std::string borrowed = "borrowed";
  queue_.append(as_bytes("head,"));
  queue_.append_borrowed(as_bytes(borrowed));
  queue_.append(as_bytes(",more,"));
  append_shared("shared");
  queue_.append(as_bytes(",end"));
  EXPECT_EQ(contents(), "head,borrowed,more,shared,end");
  EXPECT_EQ(queue_.bytes(), contents().size());
}

TEST_F(TransportOutputQueue, SmallPiecesOnBothSidesOfABorrowedOneComeFromOneBlock) {
  const std::string borrowed = "borrowed";
  queue_.append(as_bytes("a"));
  const std::uint8_t* first = queue_.front().data();
  queue_.append_borrowed(as_bytes(borrowed));
  queue_.append(as_bytes("b"));
  queue_.consume(1 + borrowed.size());
  EXPECT_EQ(queue_.front().data(), first + 1);
}

// The header of each frame, in front of a payload that is kept by reference. Each had a block of up to 256 KiB once.
TEST_F(TransportOutputQueue, SmallPiecesBetweenSharedOnesComeFromOneBlock) {
  std::vector<iovec> vectors(8);
  for (const char* header : {"1:", "2:", "3:"}) {
    queue_.append(as_bytes(header));
    append_shared("payload,");
  }
  ASSERT_EQ(queue_.fill(vectors), 6U);
  const auto* first = static_cast<const std::uint8_t*>(vectors[0].iov_base);
  EXPECT_EQ(vectors[2].iov_base, first + 2);
  EXPECT_EQ(vectors[4].iov_base, first + 4);
  EXPECT_EQ(contents(), "1:payload,2:payload,3:payload,");
  queue_.consume(12);
  EXPECT_EQ(contents(), "payload,3:payload,");
}

TEST_F(TransportOutputQueue, SharedPiecesThatFollowOneAnotherAreOneSegmentBehindSmallOnes) {
  const Bytes bytes = Bytes::copy_of("onetwo");
  queue_.append(as_bytes("head,"));
  queue_.append_shared(*bytes.block(), bytes.view().first(3));
  queue_.append_shared(*bytes.block(), bytes.view().subspan(3));
  std::vector<iovec> vectors(8);
  EXPECT_EQ(queue_.fill(vectors), 2U);
  queue_.append(as_bytes(",end"));
  EXPECT_EQ(contents(), "head,onetwo,end");
  EXPECT_EQ(queue_.bytes(), contents().size());
}

TEST_F(TransportOutputQueue, OwnsABorrowedViewBeforeItsMemoryChanges) {
  std::string borrowed = "borrowed";
  queue_.append(as_bytes("<"));
  queue_.append_borrowed(as_bytes(borrowed));
  queue_.append(as_bytes(">"));
  queue_.consume(4);
  queue_.own_borrowed();
  borrowed.assign(borrowed.size(), '!');
  EXPECT_EQ(contents(), "rowed>");
}

TEST_F(TransportOutputQueue, ASharedBlockLivesUntilItIsConsumed) {
  bool destroyed = false;
  Block* block = Block::make(16);
  const auto destroy = block->destroy;
  static bool* flag = nullptr;
  static void (*original)(Block*) = nullptr;
  flag = &destroyed;
  original = destroy;
  block->destroy = [](Block* dying) {
    *flag = true;
    original(dying);
  };
  std::fill_n(block->data(), 16, std::uint8_t{'x'});
  queue_.append_shared(*block, {block->data(), 16});
  block->release();
  queue_.append(as_bytes("y"));
  queue_.consume(15);
  EXPECT_FALSE(destroyed);
  queue_.consume(1);
  EXPECT_TRUE(destroyed);
  EXPECT_EQ(contents(), "y");
}

TEST_F(TransportOutputQueue, FillsNoMoreVectorsThanThereAre) {
  for (int i = 0; i < 10; ++i) append_shared(std::to_string(i));
  EXPECT_EQ(contents(4), "0123");
  queue_.consume(5);
  EXPECT_EQ(contents(4), "5678");
}

TEST_F(TransportOutputQueue, AReserveNeedNotBeUsedWhole) {
  const MutableByteView room = queue_.reserve(100);
  ASSERT_EQ(room.size(), 100U);
  room[0] = 'a';
  queue_.commit(1);
  queue_.append(as_bytes("b"));
  EXPECT_EQ(as_text(queue_.front()), "ab");
}

TEST_F(TransportOutputQueue, APieceLargerThanAnyBlockIsContiguous) {
  const std::string large(std::size_t{1} << 20, 'l');
  queue_.append(as_bytes("s"));
  queue_.append(as_bytes(large));
  queue_.consume(1);
  EXPECT_EQ(queue_.front().size(), large.size());
}

TEST_F(TransportOutputQueue, ClearForgetsAllAndGivesTheMemoryBack) {
  queue_.append(as_bytes("abc"));
  queue_.clear();
  EXPECT_TRUE(queue_.empty());
  EXPECT_GT(pool_.kept_bytes(), 0U);
  queue_.append(as_bytes("new"));
  EXPECT_EQ(contents(), "new");
}

// Frames of one topic in the loop's log, between those of others: a session that read none of them kept a block of
// 64 KiB for each frame of 172 bytes.
TEST_F(TransportOutputQueue, WhatWaitsKeepsNoMoreBlocksThanASmallMultipleOfIt) {
  constexpr std::size_t kFrame = 172;
  constexpr std::size_t kBlock = std::size_t{64} << 10;
  std::vector<Bytes> log;
  std::string expected;
  for (int i = 0; i < 1500; ++i) {
    log.push_back(Bytes::copy_of(std::string(kBlock, static_cast<char>('a' + i % 26))));
    expected.append(kFrame, static_cast<char>('a' + i % 26));
    queue_.append_shared(*log.back().block(), log.back().view().subspan(100, kFrame));
    if (i == 0) queue_.settle();
  }
  std::size_t kept = 0;
  for (const Bytes& block : log) kept += block.block()->reference_count > 1 ? kBlock : 0;
  EXPECT_LE(kept, 4 * queue_.bytes());
  EXPECT_EQ(contents(), expected);
  queue_.consume(1000 * kFrame);
  EXPECT_EQ(contents(), expected.substr(1000 * kFrame));
}

TEST_F(TransportOutputQueue, LargePartsOfABlockStayWhereTheyAre) {
  const Bytes large = Bytes::copy_of(std::string(1000, 'l'));
  for (int i = 0; i < 20; ++i) {
    queue_.append_shared(*large.block(), large.view());
    if (i == 0) queue_.settle();
  }
  std::vector<iovec> vectors(32);
  ASSERT_EQ(queue_.fill(vectors), 20U);
  for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(vectors[i].iov_base, large.data());
}

// Thousands of random steps; consuming passes the point where written segments are erased many times.
TEST_F(TransportOutputQueue, RandomStepsAgreeWithAVector) {
  for (const unsigned seed : {1U, 2U, 3U, 4U}) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random{seed};
    const auto below = [&random](std::size_t n) {
      return std::uniform_int_distribution<std::size_t>{0, n - 1}(random);
    };
    std::vector<std::unique_ptr<std::string>> lent;  // what is borrowed, until it is owned
    std::string reference;
    queue_.clear();
    for (int step = 0; step < 20'000; ++step) {
      std::string piece(below(10) == 0 ? below(9000) : below(40), static_cast<char>('a' + below(26)));
      switch (below(reference.size() > 100'000 ? 9 : 6)) {
        case 0:
        case 1:
          queue_.append(as_bytes(piece));
          reference += piece;
          break;
        case 2:
          if (piece.empty()) piece = "-";
          if (below(2) == 0) {
            append_shared(piece);
          } else {
            const Bytes large = Bytes::copy_of(piece + std::string(8 * piece.size(), '!'));
            queue_.append_shared(*large.block(), large.view().first(piece.size()));
          }
          reference += piece;
          break;
        case 3:
          reference += piece;
          lent.push_back(std::make_unique<std::string>(std::move(piece)));
          queue_.append_borrowed(as_bytes(*lent.back()));
          break;
        case 4:
          if (below(4) != 0) break;
          below(2) == 0 ? queue_.own_borrowed() : queue_.settle();
          lent.clear();  // ASan would see a view that is still used
          break;
        default: {
          const std::size_t count = below(reference.size() / 2 + 2);
          queue_.consume(std::min(count, reference.size()));
          reference.erase(0, count);
        }
      }
      ASSERT_EQ(queue_.bytes(), reference.size());
      if (step % 50 == 0) {
        const std::string seen = contents(64);
        ASSERT_TRUE(reference.starts_with(seen)) << "step " << step;
        ASSERT_EQ(seen.empty(), reference.empty());
      }
    }
    ASSERT_TRUE(contents(100'000) == reference);
    queue_.clear();
  }
}

TEST(TransportOutputQueues, TheLastUsedComesBackFirstAndEmpty) {
  core::BufferPool pool;
  OutputQueues queues{pool};
  auto first = queues.take();
  auto second = queues.take();
  OutputQueue* const last_used = second.get();
  queues.give_back(std::move(first));
  queues.give_back(std::move(second));
  const auto again = queues.take();
  EXPECT_EQ(again.get(), last_used);
  EXPECT_TRUE(again->empty());
}

// A loop keeps many queues that are not in use: what they hold would be beyond the pool's bound.
TEST(TransportOutputQueues, AQueueThatIsEmptyKeepsNoLargeBlock) {
  core::BufferPool pool;
  OutputQueue queue{pool};
  queue.append(std::vector<std::uint8_t>(std::size_t{1} << 20));
  queue.consume(queue.bytes());
  EXPECT_GE(pool.kept_bytes(), std::size_t{1} << 20) << "it is the pool's again";
  queue.append(as_bytes("small"));
  const std::size_t kept = pool.kept_bytes();
  queue.consume(queue.bytes());
  EXPECT_EQ(pool.kept_bytes(), kept) << "but the block of small pieces stays";
}

// One message of many copies for many sessions leaves as many of them.
TEST(TransportOutputQueues, QueuesThatAreNotInUseKeepNoLargeBlocks) {
  constexpr std::size_t kQueues = 100;
  constexpr std::size_t kLargeMessageBytes = 200'000;
  core::BufferPool pool;
  OutputQueues queues{pool};
  std::vector<std::unique_ptr<OutputQueue>> used;
  for (std::size_t i = 0; i < kQueues; ++i) {
    used.push_back(queues.take());
    used.back()->reserve(kLargeMessageBytes);
    used.back()->commit(kLargeMessageBytes);
    used.back()->consume(kLargeMessageBytes);
  }
  const std::size_t before = pool.kept_bytes();
  for (auto& queue : used) queues.give_back(std::move(queue));
  EXPECT_GE(pool.kept_bytes() - before, kQueues * kLargeMessageBytes);
}

}  // namespace
}  // namespace plait::transport
