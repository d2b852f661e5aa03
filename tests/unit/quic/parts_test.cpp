// The small parts that a connection is made of.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <random>
#include <set>

#include "core/varint.hpp"
#include "quic/connection_ids.hpp"
#include "quic/datagram_queue.hpp"
#include "quic/expiry_heap.hpp"
#include "quic/fifo.hpp"
#include "quic/frame_scan.hpp"
#include "quic/gaps.hpp"
#include "quic/packet_numbers.hpp"
#include "quic/send_queue.hpp"
#include "quic/ticket_stream.hpp"
#include "support/allocations.hpp"

namespace plait::quic {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

std::string text_of(std::span<const ngtcp2_vec> pieces) {
  std::string text;
  for (const ngtcp2_vec& piece : pieces) text += as_text({piece.base, piece.len});
  return text;
}

TEST(QuicFifo, KeepsTheOrderWhateverComesAndGoes) {
  Fifo<int> fifo;
  int pushed = 0;
  int popped = 0;
  for (int round = 0; round < 2000; ++round) {
    for (int i = 0; i < round % 7; ++i) fifo.push_back(pushed++);
    for (int i = 0; i < round % 5 && !fifo.empty(); ++i) ASSERT_EQ(fifo.pop_front(), popped++);
    ASSERT_EQ(fifo.size(), static_cast<std::size_t>(pushed - popped));
    if (!fifo.empty()) {
      ASSERT_EQ(fifo.front(), popped);
      ASSERT_EQ(fifo[fifo.size() - 1], pushed - 1);
    }
  }
}

TEST(QuicFifo, OwnsNoMemoryOnceItIsCleared) {
  Fifo<int> fifo;
  fifo.push_back(1);
  fifo.clear();
  test::start_counting();
  fifo.push_back(2);
  EXPECT_EQ(test::stop_counting().count, 1U);
  EXPECT_EQ(fifo.front(), 2);
}

TEST(QuicFifo, OwnsLittleOnceItIsEmpty) {
  Fifo<int> fifo;
  for (int i = 0; i < 100'000; ++i) fifo.push_back(i);
  while (!fifo.empty()) fifo.pop_front();
  test::start_counting();
  for (int i = 0; i < 300; ++i) fifo.push_back(i);
  EXPECT_GE(test::stop_counting().count, 1U) << "it had kept room for 300 items";
}

TEST(QuicSendQueue, KeepsWhatIsNotAcknowledged) {
  SendQueue queue;
  queue.push(Bytes::copy_of("hello"), false);
  queue.push(Bytes::copy_of(" "), false);
  queue.push(Bytes::copy_of("world"), true);
  std::array<ngtcp2_vec, 8> pieces{};
  auto gathered = queue.gather(pieces, 1000);
  EXPECT_EQ(text_of({pieces.data(), gathered.piece_count}), "hello world");
  EXPECT_TRUE(gathered.fin);
  queue.mark_sent(gathered, 7);
  EXPECT_EQ(queue.unsent_bytes(), 4U);
  EXPECT_TRUE(queue.has_unsent());
  queue.mark_acked(6);
  EXPECT_EQ(queue.buffered_bytes(), 5U);
  gathered = queue.gather(pieces, 1000);
  EXPECT_EQ(text_of({pieces.data(), gathered.piece_count}), "orld");
  queue.mark_sent(gathered, 4);
  EXPECT_FALSE(queue.has_unsent());
  queue.mark_acked(11);
  EXPECT_EQ(queue.buffered_bytes(), 0U);
}

TEST(QuicSendQueue, GathersNoMoreThanAPacketTakes) {
  SendQueue queue;
  for (int i = 0; i < 4; ++i) queue.push(Bytes::copy_of(std::string(1000, 'x')), i == 3);
  std::array<ngtcp2_vec, 8> pieces{};
  EXPECT_EQ(queue.gather(pieces, 1000).piece_count, 1U);
  const auto two = queue.gather(pieces, 1001);
  EXPECT_EQ(two.piece_count, 2U);
  EXPECT_EQ(two.bytes, 2000U);
  EXPECT_FALSE(two.fin) << "the rest has not been gathered";
  EXPECT_TRUE(queue.gather(pieces, 4000).fin);
}

TEST(QuicSendQueue, TheEndGoesOnlyWithTheLastByte) {
  SendQueue queue;
  for (int i = 0; i < 5; ++i) queue.push(Bytes::copy_of(std::string(1000, 'x')), i == 4);
  std::array<ngtcp2_vec, 4> pieces{};
  auto gathered = queue.gather(pieces, 9000);
  EXPECT_EQ(gathered.bytes, 4000U);
  EXPECT_FALSE(gathered.fin);
  queue.mark_sent(gathered, 4000);
  EXPECT_TRUE(queue.has_unsent());
  gathered = queue.gather(pieces, 9000);
  EXPECT_TRUE(gathered.fin);
  queue.mark_sent(gathered, 0);
  EXPECT_TRUE(queue.has_unsent()) << "the end was not sent";
  queue.mark_sent(queue.gather(pieces, 9000), 1000);
  EXPECT_FALSE(queue.has_unsent());
}

TEST(QuicSendQueue, PutsSmallPiecesTogether) {
  SendQueue queue;
  const Bytes first = Bytes::copy_of("alone");
  queue.push(first, false);
  for (int i = 0; i < 100; ++i) queue.push(Bytes::copy_of("0123456789"), false);
  std::array<ngtcp2_vec, 8> pieces{};
  const auto gathered = queue.gather(pieces, 1200);
  EXPECT_EQ(gathered.bytes, 1005U);
  EXPECT_EQ(gathered.piece_count, 3U);
  EXPECT_EQ(pieces[0].base, first.data()) << "not copied";
}

TEST(QuicSendQueue, LeavesLargePiecesAndTheirHeadersWhereTheyAre) {
  SendQueue queue;
  const std::array<Bytes, 4> written = {Bytes::copy_of("header"), Bytes::copy_of(std::string(600, 'a')),
                                        Bytes::copy_of("header"), Bytes::copy_of(std::string(600, 'b'))};
  for (const Bytes& data : written) queue.push(data, false);
  std::array<ngtcp2_vec, 8> pieces{};
  ASSERT_EQ(queue.gather(pieces, 10'000).piece_count, written.size());
  for (std::size_t i = 0; i < written.size(); ++i) EXPECT_EQ(pieces.at(i).base, written.at(i).data());
}

TEST(QuicSendQueue, TinyPiecesCostLittleMoreThanTheyCarry) {
  constexpr std::size_t kPieces = 500'000;
  const Bytes pong = Bytes::copy_of("xx");
  SendQueue queue;
  test::start_counting();
  for (std::size_t i = 0; i < kPieces; ++i) queue.push(pong, false);
  const test::Allocations used = test::stop_counting();
  EXPECT_EQ(queue.buffered_bytes(), 2 * kPieces);
  EXPECT_LE(used.count, 2 * kPieces / 4096 + 30);
  EXPECT_LE(used.bytes_max, 16'384U);
}

// What was given out stays where it was until it is acknowledged, whatever is pushed, sent and acknowledged meanwhile.
TEST(QuicSendQueue, KeepsOrderAndPlace) {
  std::mt19937 random{3};
  SendQueue queue;
  std::string written;
  std::string sent;
  std::vector<std::pair<std::size_t, ngtcp2_vec>> given;  // where in `sent` each piece ends
  for (int round = 0; round < 20'000; ++round) {
    if (random() % 3 != 0) {
      const std::string text(1 + random() % (random() % 10 == 0 ? 2000 : 40), static_cast<char>('a' + round % 26));
      queue.push(Bytes::copy_of(text), false);
      written += text;
    } else {
      std::array<ngtcp2_vec, 4> pieces{};
      const auto gathered = queue.gather(pieces, 1200);
      std::size_t left = std::min<std::size_t>(gathered.bytes, random() % 1200);
      queue.mark_sent(gathered, left);
      for (const ngtcp2_vec& piece : std::span{pieces}.first(gathered.piece_count)) {
        const ngtcp2_vec part{piece.base, std::min(piece.len, left)};
        sent += text_of({&part, 1});
        given.emplace_back(sent.size(), part);
        left -= part.len;
      }
    }
    const std::size_t acked = queue.acked_offset() + random() % (sent.size() - queue.acked_offset() + 1);
    if (random() % 4 == 0) queue.mark_acked(acked);
    std::erase_if(given, [&](const auto& piece) { return piece.first <= queue.acked_offset(); });
    for (const auto& [end, piece] : given) {
      ASSERT_TRUE(text_of({&piece, 1}) == sent.substr(end - piece.len, piece.len)) << round;
    }
    ASSERT_EQ(queue.unsent_bytes(), written.size() - sent.size());
  }
  EXPECT_TRUE(written.starts_with(sent));
  EXPECT_GT(queue.acked_offset(), 0U);
}

TEST(QuicDatagramQueue, IsBoundedInBytesNumberAndAge) {
  std::vector<DatagramId> dropped;
  const auto drop = [&](DatagramId id) { dropped.push_back(id); };
  DatagramQueue queue{10, 3, 1s};
  queue.push(0, Bytes::copy_of("1234"), drop);
  queue.push(1, Bytes::copy_of("1234"), drop);
  queue.push(2, Bytes::copy_of("1234"), drop);
  EXPECT_THAT(dropped, ElementsAre(0));
  queue.push(3, Bytes::copy_of("1"), drop);
  queue.push(4, Bytes::copy_of("1"), drop);
  EXPECT_THAT(dropped, ElementsAre(0, 1));
  queue.purge(TimePoint{10s}, 100, drop);
  queue.purge(TimePoint{11s}, 100, drop);
  EXPECT_THAT(dropped, ElementsAre(0, 1));
  queue.push(5, Bytes::copy_of("1"), drop);
  EXPECT_THAT(dropped, ElementsAre(0, 1, 2));
  queue.purge(TimePoint{12s}, 100, drop);
  EXPECT_THAT(dropped, ElementsAre(0, 1, 2, 3, 4));
  EXPECT_EQ(queue.front().id, 5U);
  queue.purge(TimePoint{12s}, 0, drop);
  EXPECT_TRUE(queue.empty());
}

TEST(QuicExpiryHeap, GivesTheSoonestAlways) {
  struct Owner {
    std::uint64_t expiry = 0;
    std::size_t heap_place = SIZE_MAX;
  };
  std::vector<Owner> owners(200);
  ExpiryHeap<Owner> heap;
  std::uint64_t random = 1;
  for (int round = 0; round < 5000; ++round) {
    random = random * 6364136223846793005 + 1442695040888963407;
    Owner& owner = owners[(random >> 33) % owners.size()];
    if (round % 5 == 0) {
      heap.remove(owner);
    } else {
      heap.set(owner, random >> 40);
    }
    std::uint64_t least = UINT64_MAX;
    for (const Owner& one : owners) {
      if (one.heap_place != SIZE_MAX) least = std::min(least, one.expiry);
    }
    ASSERT_EQ(heap.empty() ? UINT64_MAX : heap.top().expiry, least);
  }
}

TEST(QuicConnectionIds, FindsByAllBytesAndForgets) {
  int a = 0;
  int b = 0;
  ConnectionIds<int> ids{42};
  const std::vector<std::uint8_t> one = {1, 2, 3};
  const std::vector<std::uint8_t> longer = {1, 2, 3, 0};
  EXPECT_TRUE(ids.add(one, a));
  EXPECT_TRUE(ids.add(longer, b));
  EXPECT_FALSE(ids.add(one, b));
  EXPECT_EQ(ids.find(one), &a);
  EXPECT_EQ(ids.find(longer), &b);
  EXPECT_EQ(ids.find(std::vector<std::uint8_t>(21)), nullptr);
  ids.remove(one, b);
  EXPECT_EQ(ids.find(one), &a) << "it is not b's to remove";
  ids.remove(one, a);
  EXPECT_EQ(ids.find(one), nullptr);
  EXPECT_EQ(ids.size(), 1U);
}

TEST(QuicFrameScan, FindsStopSendingBehindEveryOtherFrame) {
  std::vector<std::uint8_t> payload = {
      0x00, 0x00, 0x01, 0x1e,                                                        // PADDING PING HANDSHAKE_DONE
      0x02, 0x05, 0x00, 0x01, 0x02, 0x01, 0x01,                                      // ACK with one range
      0x03, 0x05, 0x00, 0x00, 0x02, 0x01, 0x01, 0x01,                                // ACK with ECN counts
      0x04, 0x04, 0x07, 0x09,                                                        // RESET_STREAM
      0x06, 0x00, 0x02, 0xAA, 0xBB,                                                  // CRYPTO
      0x07, 0x01, 0xCC,                                                              // NEW_TOKEN
      0x0a, 0x08, 0x02, 0x11, 0x22,                                                  // STREAM with length
      0x0e, 0x08, 0x05, 0x01, 0x33,                                                  // STREAM with offset and length
      0x10, 0x01, 0x11, 0x04, 0x01, 0x12, 0x01, 0x14, 0x01, 0x15, 4, 1, 0x16, 0x01,  // credit
      0x19, 0x01, 0x1a, 1,    2,    3,    4,    5,    6,    7,    8,  // RETIRE_CONNECTION_ID PATH_CHALLENGE
      0x31, 0x01, 0x44,                                               // DATAGRAM with length
      0x05, 0x08, 0x40, 0x4e,                                         // STOP_SENDING
  };
  FrameScan scan{{100, 1}, {100, 1}, TimePoint{}};
  scan.on_payload(payload);
  ASSERT_EQ(scan.stop_sending().size(), 1U);
  EXPECT_EQ(scan.stop_sending()[0].id, 8U);
  EXPECT_EQ(scan.stop_sending()[0].code, 78U);
  for (std::size_t size = 0; size < payload.size(); ++size) {  // cut anywhere
    FrameScan other{{100, 1}, {100, 1}, TimePoint{}};
    other.on_payload(ByteView{payload}.first(size));
    EXPECT_TRUE(other.stop_sending().empty());
  }
}

TEST(QuicFrameScan, TakesNoBytesOfAStreamForFrames) {
  const std::vector<std::vector<std::uint8_t>> payloads = {
      {0x08, 0x08, 0x05, 0x08, 0x01},                    // STREAM up to the end of the packet
      {0x0c, 0x08, 0x40, 0x50, 0x05, 0x08, 0x01},        // with offset
      {0x0e, 0x08, 0x40, 0x50, 0x03, 0x05, 0x08, 0x01},  // with length, too
  };
  for (const auto& payload : payloads) {
    FrameScan scan{{100, 1}, {100, 1}, TimePoint{}};
    scan.on_payload(payload);
    EXPECT_TRUE(scan.stop_sending().empty());
    EXPECT_TRUE(scan.ends().empty());
  }
}

TEST(QuicFrameScan, FindsTheFinalSizesOfStreams) {
  const std::vector<std::uint8_t> payload = {
      0x0a, 0x08, 0x02, 0x11, 0x22,        // STREAM with length
      0x0b, 0x04, 0x01, 0x33,              // and FIN
      0x0f, 0x08, 0x40, 0x50, 0x01, 0x44,  // and offset
      0x0f, 0x0c, 0x05, 0x00,              // nothing but FIN
      0x0d, 0x10, 0x02, 0x55, 0x66,        // up to the end of the packet
  };
  FrameScan scan{{100, 1}, {100, 1}, TimePoint{}};
  scan.on_payload(payload);
  std::vector<std::pair<StreamId, std::uint64_t>> found;
  for (const auto& [id, size] : scan.ends()) found.emplace_back(id, size);
  EXPECT_EQ(found, (std::vector<std::pair<StreamId, std::uint64_t>>{{4, 1}, {8, 81}, {12, 5}, {16, 4}}));
  FrameScan cut{{100, 1}, {100, 1}, TimePoint{}};
  cut.on_payload(ByteView{payload}.first(8));
  EXPECT_TRUE(cut.ends().empty());
}

TEST(QuicFrameScan, CountsCancelsAsABucket) {
  FrameScan scan{{0, 0}, {10, 5}, TimePoint{}};
  const std::vector<std::uint8_t> resets = {0x04, 4, 1, 0, 0x04, 8, 1, 0, 0x04, 12, 1, 0};
  for (int i = 0; i < 3; ++i) scan.on_payload(resets);
  EXPECT_TRUE(scan.within_rate(TimePoint{}));
  scan.on_payload(resets);
  EXPECT_TRUE(scan.within_rate(TimePoint{1s}));
  scan.on_payload(resets);
  scan.on_payload(resets);
  EXPECT_FALSE(scan.within_rate(TimePoint{1s}));
}

TEST(QuicFrameScan, CountsOddFramesInABucketOfTheirOwn) {
  FrameScan scan{{10, 5}, {0, 0}, TimePoint{}};
  const std::vector<std::uint8_t> challenge = {0x1a, 1, 2, 3, 4, 5, 6, 7, 8};
  for (int i = 0; i < 10; ++i) scan.on_payload(challenge);
  EXPECT_TRUE(scan.within_rate(TimePoint{}));
  for (int i = 0; i < 5; ++i) scan.on_payload(challenge);
  EXPECT_TRUE(scan.within_rate(TimePoint{1s}));
  scan.on_payload(challenge);
  EXPECT_FALSE(scan.within_rate(TimePoint{1s}));
}

TEST(QuicFrameScan, ACopyOfAPacketIsNotCounted) {
  FrameScan scan{{10, 5}, {10, 5}, TimePoint{}};
  const std::vector<std::uint8_t> reset = {0x04, 4, 1, 0};
  for (int i = 0; i < 1000; ++i) scan.on_packet(7, reset);
  EXPECT_TRUE(scan.within_rate(TimePoint{}));
  EXPECT_TRUE(scan.take_heard());
  scan.on_packet(7, reset);
  EXPECT_FALSE(scan.take_heard()) << "nor is it a sign of life";
  for (std::uint64_t number = 8; number < 20; ++number) scan.on_packet(number, reset);
  EXPECT_FALSE(scan.within_rate(TimePoint{}));
}

TEST(QuicFrameScan, PaddingMakesNoPacketLarge) {
  FrameScan scan{{10, 5}, {10, 5}, TimePoint{}};
  std::vector<std::uint8_t> probe(32'000, 0x00);
  probe.front() = 0x01;  // PING
  scan.on_payload(probe);
  EXPECT_FALSE(scan.take_heard_large());
  std::vector<std::uint8_t> stream(FrameScan::kLargePacketBytes - 1, 0x61);
  stream[0] = 0x08;  // of stream 0, up to the end of the packet
  stream[1] = 0x00;
  scan.on_payload(stream);
  EXPECT_FALSE(scan.take_heard_large());
  stream.push_back(0x61);
  scan.on_payload(stream);
  EXPECT_TRUE(scan.take_heard_large());
  EXPECT_FALSE(scan.take_heard_large()) << "taken";
}

// A CRYPTO frame with offset and length in two bytes each.
std::vector<std::uint8_t> crypto_frame(std::uint8_t offset, std::uint8_t size) {
  std::vector<std::uint8_t> frame = {0x06, 0x40, offset, 0x40, size};
  frame.resize(frame.size() + size, 0x61);
  return frame;
}

TEST(QuicFrameScan, CountsShortCryptoFramesThatMayLeaveAGap) {
  FrameScan scan{{100, 1}, {100, 1}, TimePoint{}};
  const auto feed = [&](std::uint8_t offset, std::uint8_t size) {
    std::vector<std::uint8_t> payload = {0x00, 0x01, 0x02, 0x05, 0x00, 0x00, 0x02};  // PADDING PING ACK
    const auto frame = crypto_frame(offset, size);
    payload.insert(payload.end(), frame.begin(), frame.end());
    scan.on_handshake_packet(payload);
  };
  feed(0, 5);
  feed(5, 1);
  feed(6, 60);
  feed(0, 5);
  feed(9, 64);
  EXPECT_EQ(scan.crypto_gap_count(), 0U) << "in order, from the beginning again, or not short";
  feed(100, 63);
  feed(170, 0);
  feed(170, 1);
  EXPECT_EQ(scan.crypto_gap_count(), 2U);
  scan.on_payload(crypto_frame(200, 1));
  EXPECT_EQ(scan.crypto_gap_count(), 3U) << "of a 1-RTT packet";
}

// Whoever saw a client's first packet can make more of them.
TEST(QuicFrameScan, TakesNothingElseFromTheHandshake) {
  FrameScan scan{{1, 1}, {1, 1}, TimePoint{}};
  const std::vector<std::uint8_t> stop_and_end = {0x05, 0x03, 0x00, 0x0b, 0x04, 0x01, 0x33};
  scan.on_initial_packet(stop_and_end);
  for (int i = 0; i < 10; ++i) scan.on_initial_packet(crypto_frame(0, 1));
  EXPECT_FALSE(scan.heard_handshake());
  scan.on_handshake_packet(stop_and_end);
  EXPECT_TRUE(scan.heard_handshake());
  EXPECT_TRUE(scan.stop_sending().empty());
  EXPECT_TRUE(scan.ends().empty());
  EXPECT_TRUE(scan.within_rate(TimePoint{}));
  EXPECT_FALSE(scan.take_heard());
}

TEST(QuicPacketNumbers, EachComesOnce) {
  std::mt19937 random{5};
  PacketNumbers numbers;
  std::set<std::uint64_t> seen;
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    const std::uint64_t number = i + random() % 200;
    ASSERT_EQ(numbers.add(number), seen.insert(number).second) << number;
  }
}

TEST(QuicPacketNumbers, WhatWasLostLongAgoCountsAsCome) {
  PacketNumbers numbers;
  for (std::uint64_t i = 1; i <= PacketNumbers::kGapsMax + 1; ++i) EXPECT_TRUE(numbers.add(2 * i));
  EXPECT_FALSE(numbers.add(1)) << "ngtcp2 drops it, too";
  EXPECT_TRUE(numbers.add(5));
  EXPECT_FALSE(numbers.add(5));
}

// A STREAM frame with offset and length, in one byte each but the last.
std::vector<std::uint8_t> stream_frame(std::uint8_t id, std::uint8_t offset, std::uint8_t size, bool fin) {
  std::vector<std::uint8_t> frame = {static_cast<std::uint8_t>(fin ? 0x0f : 0x0e), id, offset, 0x40, size};
  frame.resize(frame.size() + size, 0x61);
  return frame;
}

TEST(QuicFrameScan, FindsShortFramesThatMayLeaveAGap) {
  FrameScan scan{{100, 1}, {100, 1}, TimePoint{}};
  const auto feed = [&](std::uint8_t id, std::uint8_t offset, std::uint8_t size, bool fin = false) {
    scan.on_payload(stream_frame(id, offset, size, fin));
  };
  feed(4, 0, 5);
  feed(4, 5, 5);
  feed(4, 10, 1);
  feed(8, 0, 1);
  EXPECT_TRUE(scan.short_frames().empty()) << "small messages in order";
  feed(4, 11, 64);
  feed(8, 1, 5, true);
  EXPECT_TRUE(scan.short_frames().empty()) << "not short, or the last one";
  feed(12, 6, 0);
  feed(12, 6, 1);
  feed(12, 7, 31);
  feed(12, 39, 63);
  feed(16, 39, 31);
  std::vector<std::tuple<StreamId, std::uint64_t, std::uint64_t>> found;
  for (const auto& [id, offset, end] : scan.short_frames()) found.emplace_back(id, offset, end);
  EXPECT_EQ(found, (decltype(found){{12, 6, 7}, {12, 39, 102}, {16, 39, 70}}));
}

TEST(QuicGaps, EverySecondByteIsOneEach) {
  Gaps up;
  Gaps down;
  for (std::uint64_t i = 1; i <= 1000; ++i) {
    up.handle_frame(2 * i, 2 * i + 1);
    down.handle_frame(4000 - 2 * i, 4001 - 2 * i);
  }
  EXPECT_EQ(up.count(), 1000U);
  EXPECT_EQ(down.count(), 1000U);
}

TEST(QuicGaps, WhatFollowsALossIsOne) {
  Gaps gaps;
  EXPECT_EQ(gaps.fill(100), 0U);
  gaps.handle_frame(90, 100);
  EXPECT_EQ(gaps.count(), 0U) << "has come already";
  for (std::uint64_t i = 0; i < 1000; ++i) gaps.handle_frame(110 + 10 * i, 120 + 10 * i);
  EXPECT_EQ(gaps.count(), 1U);
  EXPECT_EQ(gaps.fill(105), 0U);
  EXPECT_EQ(gaps.fill(10'110), 1U);
  EXPECT_EQ(gaps.count(), 0U);
}

// Of a peer whose path always loses something, nearly all has come at any time, but never all.
TEST(QuicGaps, AHoleThatIsFilledBehindTheLastFrameCountsNoMore) {
  Gaps gaps;
  gaps.fill(8);
  std::uint64_t most = 0;
  for (std::uint64_t i = 1; i <= 10'000; ++i) {  // every tenth is lost, and comes again 20 later
    if (i % 10 != 0) gaps.handle_frame(8 * i, 8 * i + 8);
    if (i % 10 == 0 && i > 20) gaps.fill(8 * (i - 10));
    most = std::max(most, gaps.count());
  }
  EXPECT_GT(most, 0U);
  EXPECT_LE(most, 3U);
}

TEST(QuicGaps, OwnNoMemoryOnceAllAreFilled) {
  Gaps gaps;
  gaps.handle_frame(10, 12);
  EXPECT_EQ(gaps.fill(12), 1U);
  test::start_counting();
  gaps.handle_frame(20, 22);
  EXPECT_EQ(test::stop_counting().count, 2U) << "the list, and its first entry";
  EXPECT_EQ(gaps.count(), 1U);
}

TEST(QuicGaps, AFrameThatComesTwiceLeavesOne) {
  Gaps gaps;
  for (int i = 0; i < 2; ++i) {
    gaps.handle_frame(10, 12);
    gaps.handle_frame(20, 22);
  }
  EXPECT_EQ(gaps.count(), 2U);
  EXPECT_EQ(gaps.fill(12), 1U);
  EXPECT_EQ(gaps.fill(UINT64_MAX), 1U);
}

TEST(QuicGaps, AreNoMoreThanThereIsRoomFor) {
  Gaps gaps;
  for (std::uint64_t i = 1; i <= 100'000; ++i) {  // every second frame is lost, and comes again 50 later
    gaps.handle_frame(20 * i, 20 * i + 10);
    if (i > 50) gaps.fill(20 * (i - 50) + 10);
  }
  EXPECT_LE(gaps.count(), 510U) << "half of what lies between";
}

// RFC 8446 §4: the type, and the body's length in three bytes.
std::vector<std::uint8_t> handshake_message(std::uint8_t type, std::uint16_t body_bytes) {
  std::vector<std::uint8_t> message{type, 0, static_cast<std::uint8_t>(body_bytes >> 8),
                                    static_cast<std::uint8_t>(body_bytes)};
  message.resize(message.size() + body_bytes, 24);  // bytes that would be a KeyUpdate's type
  return message;
}

TEST(QuicTicketStream, TakesTicketsWhereverTheyAreCut) {
  std::vector<std::uint8_t> tickets;
  for (const std::uint16_t body_bytes : std::array<std::uint16_t, 3>{300, 0, 1}) {
    const auto ticket = handshake_message(4, body_bytes);
    tickets.insert(tickets.end(), ticket.begin(), ticket.end());
  }
  for (std::size_t piece = 1; piece <= tickets.size(); ++piece) {
    TicketStream stream;
    for (std::size_t at = 0; at < tickets.size(); at += piece) {
      EXPECT_TRUE(stream.handle(ByteView{tickets}.subspan(at, std::min(piece, tickets.size() - at)))) << piece;
    }
  }
}

TEST(QuicTicketStream, Rfc9001Section6_KeyUpdateAndRequestsForCertificatesAreRefused) {
  for (const std::uint8_t type : std::array<std::uint8_t, 3>{24, 13, 8}) {
    auto bytes = handshake_message(4, 300);
    const std::size_t ticket_bytes = bytes.size();
    const auto other = handshake_message(type, 1);
    bytes.insert(bytes.end(), other.begin(), other.end());
    TicketStream whole;
    EXPECT_FALSE(whole.handle(bytes)) << int{type};
    TicketStream cut;
    EXPECT_TRUE(cut.handle(ByteView{bytes}.first(ticket_bytes)));
    EXPECT_FALSE(cut.handle(ByteView{bytes}.subspan(ticket_bytes, 1)));
  }
}

}  // namespace
}  // namespace plait::quic
