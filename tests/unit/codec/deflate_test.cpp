#include "codec/deflate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

namespace plait::codec {
namespace {

using Status = Inflater::Status;

std::string deflated(Deflater& deflater, std::string_view message) {
  core::VectorSink sink;
  deflater.finish(as_bytes(message), sink);
  return std::string{as_text(sink.bytes)};
}

struct Inflated {
  Status status = Status::needs_input;
  std::string data;
  friend bool operator==(const Inflated&, const Inflated&) = default;
};

// Inflates one message with `input_step` bytes in and `output_step` bytes out at a time.
Inflated inflated(Inflater& inflater, std::string_view compressed, std::size_t input_step = SIZE_MAX,
                  std::size_t output_step = 4096) {
  Inflated result;
  ByteView rest = as_bytes(compressed);
  std::vector<std::uint8_t> output(output_step);
  while (result.status == Status::needs_input || result.status == Status::needs_output) {
    const ByteView piece = rest.first(std::min(rest.size(), input_step));
    const auto progress = inflater.inflate(piece, output, piece.size() == rest.size());
    rest = rest.subspan(progress.consumed);
    result.status = progress.status;
    result.data += as_text({output.data(), progress.produced});
  }
  return result;
}

std::string hex(std::initializer_list<int> values) {
  std::string text;
  for (int value : values) text += static_cast<char>(value);
  return text;
}

// Text that compresses by about three, and bytes that do not compress at all.
std::string words(std::size_t size) {
  std::mt19937 random{11};
  std::string text;
  while (text.size() < size)
    text += "\"field_" + std::to_string(random() % 97) + "\": " + std::to_string(random()) + ", ";
  return text.substr(0, size);
}

std::string noise(std::size_t size) {
  std::mt19937 random{12};
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

TEST(Inflater, Rfc7692Section7_2_3_1_OneBlock) {
  Inflater inflater{{}};
  EXPECT_EQ(inflated(inflater, hex({0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00})),
            (Inflated{Status::message_end, "Hello"}));
}

TEST(Inflater, Rfc7692Section7_2_3_2_SharingTheWindow) {
  Inflater inflater{{}};
  EXPECT_EQ(inflated(inflater, hex({0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00})).data, "Hello");
  EXPECT_EQ(inflated(inflater, hex({0xf2, 0x00, 0x11, 0x00, 0x00})), (Inflated{Status::message_end, "Hello"}));
}

TEST(Inflater, Rfc7692Section7_2_3_2_WithoutContextTakeoverThereIsNoWindowToShare) {
  Inflater inflater{{.context_takeover = false}};
  EXPECT_EQ(inflated(inflater, hex({0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00})).data, "Hello");
  EXPECT_EQ(inflated(inflater, hex({0xf2, 0x00, 0x11, 0x00, 0x00})).status, Status::corrupt);
}

TEST(Inflater, Rfc7692Section7_2_3_3_StoredBlock) {
  Inflater inflater{{}};
  EXPECT_EQ(inflated(inflater, hex({0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00})),
            (Inflated{Status::message_end, "Hello"}));
}

TEST(Inflater, Rfc7692Section7_2_3_4_FinalBlock) {
  const std::string final_block = hex({0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00});
  for (std::size_t step : {1U, 2U, 3U, 7U, 8U}) {
    Inflater inflater{{}};
    EXPECT_EQ(inflated(inflater, final_block, step), (Inflated{Status::message_end, "Hello"}));
    EXPECT_EQ(inflated(inflater, hex({0xf2, 0x00, 0x11, 0x00, 0x00}), step).data, "Hello") << "the window is kept";
  }
}

TEST(Inflater, AFinalBlockWithNothingBehindItEndsTheMessageToo) {
  Inflater inflater{{}};
  const std::string final_block = hex({0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00});
  EXPECT_EQ(inflated(inflater, final_block), (Inflated{Status::message_end, "Hello"}));
  EXPECT_EQ(inflated(inflater, final_block), (Inflated{Status::message_end, "Hello"}));
  EXPECT_EQ(inflated(inflater, final_block + final_block + final_block),
            (Inflated{Status::message_end, "HelloHelloHello"}));
}

TEST(Inflater, Rfc7692Section7_2_3_5_TwoBlocksInOneMessage) {
  Inflater inflater{{}};
  EXPECT_EQ(inflated(inflater, hex({0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00})),
            (Inflated{Status::message_end, "Hello"}));
}

TEST(Inflater, Rfc7692Section7_2_3_6_EmptyMessage) {
  Inflater inflater{{}};
  EXPECT_EQ(inflated(inflater, hex({0x00})), (Inflated{Status::message_end, ""}));
}

TEST(Deflater, Rfc7692Section7_2_3_TheExamplesAreWhatItWrites) {
  Deflater deflater{{}};
  EXPECT_EQ(deflated(deflater, "Hello"), hex({0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00}));
  EXPECT_EQ(deflated(deflater, "Hello"), hex({0xf2, 0x00, 0x11, 0x00, 0x00}));
}

TEST(Deflater, Rfc7692Section7_2_3_6_EmptyMessageIsOneByteEachTime) {
  Deflater deflater{{}};
  EXPECT_EQ(deflated(deflater, ""), hex({0x00}));
  EXPECT_EQ(deflated(deflater, ""), hex({0x00}));
  EXPECT_EQ(deflated(deflater, "x").size(), 3U);
  EXPECT_EQ(deflated(deflater, ""), hex({0x00}));
}

TEST(Deflater, WithoutContextTakeoverEachMessageStandsAlone) {
  Deflater deflater{{.context_takeover = false}};
  const std::string first = deflated(deflater, words(1000));
  EXPECT_EQ(deflated(deflater, words(1000)), first);
  Inflater unrelated{{}};
  EXPECT_EQ(inflated(unrelated, first).data, words(1000));
}

TEST(Deflate, RoundTripsWithEveryWindowAndBothContextTakeoverModes) {
  const std::vector<std::string> messages{words(10),     "",       words(93), words(1000), noise(5000),
                                          words(70'000), noise(1), ""};
  for (int window_bits = 9; window_bits <= 15; ++window_bits) {
    for (const bool takeover : {true, false}) {
      Deflater deflater{{.window_bits = window_bits, .context_takeover = takeover}};
      Inflater inflater{{.window_bits = window_bits, .context_takeover = takeover}};
      for (const std::string& message : messages) {
        ASSERT_EQ(inflated(inflater, deflated(deflater, message)), (Inflated{Status::message_end, message}))
            << "window bits " << window_bits << ", takeover " << takeover;
      }
    }
  }
}

TEST(Deflate, MessagesInPiecesRoundTripAndEachPieceCanBeInflatedAtOnce) {
  for (const std::size_t size : {1U, 100U, 16'000U, 70'000U}) {
    Deflater deflater{{}};
    Inflater inflater{{}};
    std::vector<std::uint8_t> output(100'000);
    for (int i = 0; i < 3; ++i) {
      core::VectorSink sink;
      deflater.add(as_bytes(words(size)), sink);
      const auto progress = inflater.inflate(sink.bytes, output, false);
      ASSERT_EQ(as_text({output.data(), progress.produced}), words(size));
    }
    core::VectorSink sink;
    deflater.finish({}, sink);
    EXPECT_EQ(inflater.inflate(sink.bytes, output, true).status, Status::message_end);
  }
}

TEST(Deflate, EverySizeOfIncompressibleMessagesAroundTheRoomAskedOfTheSink) {
  Deflater deflater{{}};
  Inflater inflater{{}};
  const std::string bytes = noise(40'000);
  for (std::size_t size = 0; size < 400; ++size) {
    ASSERT_EQ(inflated(inflater, deflated(deflater, bytes.substr(0, size))).data, bytes.substr(0, size));
  }
  for (std::size_t size = 16'300; size < 16'450; ++size) {
    ASSERT_EQ(inflated(inflater, deflated(deflater, bytes.substr(0, size))).data, bytes.substr(0, size));
  }
}

TEST(Inflater, CutAnywhereGivesTheSameResult) {
  Deflater deflater{{}};
  const std::string message = words(3000) + noise(200);
  const std::string good = deflated(deflater, message);
  std::string corrupt = good;
  corrupt[good.size() / 2] = static_cast<char>(corrupt[good.size() / 2] ^ 0x55);
  for (const std::string& compressed : {good, corrupt, good.substr(0, good.size() / 2)}) {
    Inflater whole{{}};
    const Inflated expected = inflated(whole, compressed);
    for (std::size_t step = 1; step < 60; ++step) {
      for (const std::size_t output_step : {1U, 7U, 258U, 4096U}) {
        Inflater inflater{{}};
        ASSERT_EQ(inflated(inflater, compressed, step, output_step), expected) << step << ", " << output_step;
      }
    }
  }
}

TEST(Inflater, TruncatedAtEachByteIsTruncated) {
  Deflater deflater{{}};
  const std::string compressed = deflated(deflater, words(300));
  for (std::size_t size = 0; size < compressed.size() - 1; ++size) {
    Inflater inflater{{}};
    EXPECT_NE(inflated(inflater, compressed.substr(0, size)).status, Status::message_end) << size;
  }
}

TEST(Inflater, Corrupt) {
  Inflater inflater{{}};
  EXPECT_EQ(inflated(inflater, hex({0xff})).status, Status::corrupt);
}

TEST(Inflater, ABombIsFoundWhereverTheInputIsCut) {
  Deflater deflater{{}};
  const std::string bomb = deflated(deflater, std::string(10 << 20, '\0'));
  for (const std::size_t step : {SIZE_MAX, std::size_t{1}, std::size_t{100}, std::size_t{1024}, std::size_t{5000}}) {
    Inflater inflater{{.ratio_max = 200}};
    const Inflated result = inflated(inflater, bomb, step, 100'000);
    EXPECT_EQ(result.status, Status::bomb);
    EXPECT_LE(result.data.size(), Inflater::kRatioFreeBytes + 1032 * Inflater::kRatioStepBytes) << "of 10 MiB";
  }
}

TEST(Inflater, TheRatioIsFreeUpTo1MiB) {
  Deflater deflater{{.context_takeover = false}};
  const std::string exactly = deflated(deflater, std::string(Inflater::kRatioFreeBytes, '\0'));
  const std::string more = deflated(deflater, std::string(Inflater::kRatioFreeBytes + 1, '\0'));
  Inflater inflater{{.ratio_max = 200}};
  EXPECT_EQ(inflated(inflater, exactly).status, Status::message_end);
  EXPECT_EQ(inflated(inflater, more).status, Status::bomb);
}

TEST(Inflater, TheRatioCountsEachMessageAnew) {
  Deflater deflater{{}};
  Inflater inflater{{.ratio_max = 10}};
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(inflated(inflater, deflated(deflater, noise(100'000))).status, Status::message_end);
  EXPECT_EQ(inflated(inflater, deflated(deflater, std::string(2 << 20, 'a'))).status, Status::bomb);
}

}  // namespace
}  // namespace plait::codec
