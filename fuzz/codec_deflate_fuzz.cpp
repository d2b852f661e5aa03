// Deflate: any input inflates within its bounds, the same however it is cut and whatever message came before it, and
// with a smaller window to the same as far as it comes; what was deflated inflates to itself.
// Input: a byte of options, a byte for the size of the pieces, the data.
#include <algorithm>
#include <cstdlib>
#include <vector>

#include "codec/deflate.hpp"

namespace {

using namespace plait;
using namespace plait::codec;

constexpr std::size_t kOutputBytesMax = Inflater::kRatioFreeBytes + 200'000;

void require(bool condition) {
  if (!condition) std::abort();
}

struct Inflated {
  Inflater::Status status = Inflater::Status::needs_input;
  std::vector<std::uint8_t> data;
  bool operator==(const Inflated&) const = default;
};

// Stops with needs_output at kOutputBytesMax bytes, as a decoder stops at its message limit.
Inflated inflate_all(Inflater& inflater, ByteView input, std::size_t input_step, std::size_t output_step) {
  Inflated result;
  std::vector<std::uint8_t> output(output_step);
  do {
    const ByteView piece = input.first(std::min(input.size(), input_step));
    const std::size_t room = std::min(output_step, kOutputBytesMax - result.data.size());
    const auto progress = inflater.inflate(piece, {output.data(), room}, piece.size() == input.size());
    require(progress.consumed <= piece.size() && progress.produced <= room);
    input = input.subspan(progress.consumed);
    result.status = progress.status;
    result.data.insert(result.data.end(), output.begin(),
                       output.begin() + static_cast<std::ptrdiff_t>(progress.produced));
    if (result.data.size() == kOutputBytesMax) result.status = Inflater::Status::needs_output;
  } while (result.data.size() < kOutputBytesMax &&
           (result.status == Inflater::Status::needs_input || result.status == Inflater::Status::needs_output));
  return result;
}

// A message for `data` to refer back to.
const std::vector<std::uint8_t>& message_before() {
  static const std::vector<std::uint8_t> deflated = [] {
    std::vector<std::uint8_t> text(600);
    for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<std::uint8_t>(i % 251);
    Deflater deflater{{}};
    core::VectorSink sink;
    deflater.finish(text, sink);
    return sink.bytes;
  }();
  return deflated;
}

// What `data` inflates to as the first or second message of a connection, whole and in pieces.
Inflated inflate_both_ways(ByteView data, const Inflater::Options& options, std::size_t step, bool second) {
  Inflater whole{options};
  Inflater cut{options};
  if (second) {
    const Inflated first = inflate_all(whole, message_before(), SIZE_MAX, 65'536);
    require(first.status == Inflater::Status::message_end && inflate_all(cut, message_before(), step, 65'536) == first);
  }
  Inflated result = inflate_all(whole, data, SIZE_MAX, 65'536);
  require(inflate_all(cut, data, step, step * 7) == result);
  return result;
}

void inflate_garbage(ByteView data, const Inflater::Options& options, std::size_t step) {
  const Inflated expected = inflate_both_ways(data, options, step, false);
  const bool good = expected.status == Inflater::Status::message_end;
  if (good) require(expected.data.size() <= std::max(Inflater::kRatioFreeBytes, data.size() * options.ratio_max));
  // Without context takeover there is nothing to refer back to; a good message does not do so either.
  const Inflated second = inflate_both_ways(data, options, step, true);
  if (good || !options.context_takeover) require(second == expected);

  Inflater::Options smaller = options;
  smaller.window_bits = 8 + static_cast<int>(step % 7);
  Inflater inflater{smaller};
  const Inflated begun = inflate_all(inflater, data, step, 300);
  require(begun.status == expected.status || begun.status == Inflater::Status::corrupt);
  require(begun.data.size() <= expected.data.size() &&
          std::equal(begun.data.begin(), begun.data.end(), expected.data.begin()));
}

void round_trip(ByteView data, const Inflater::Options& options, std::size_t step) {
  Deflater deflater{{.level = 1 + static_cast<int>(step % 9),
                     .window_bits = options.window_bits,
                     .context_takeover = options.context_takeover}};
  Inflater inflater{
      {.window_bits = options.window_bits, .context_takeover = options.context_takeover, .ratio_max = 2000}};
  for (int message = 0; message < 2; ++message) {
    core::VectorSink sink;
    ByteView rest = data;
    for (int pieces = 0; pieces < 3 && rest.size() > step; ++pieces) {
      deflater.add(rest.first(step), sink);
      rest = rest.subspan(step);
    }
    deflater.finish(rest, sink);
    const Inflated result = inflate_all(inflater, sink.bytes, message == 0 ? SIZE_MAX : step, 65'536);
    require(result.status == Inflater::Status::message_end && std::ranges::equal(result.data, data));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > 100'000) return 0;
  const bool context_takeover = (data[0] & 8) != 0;
  const std::size_t step = data[1] + 1U;
  const ByteView input{data + 2, size - 2};
  // The largest window is the measure: distances beyond a smaller one show only where the output happens to be cut.
  inflate_garbage(input, {.context_takeover = context_takeover, .ratio_max = 20}, step);
  round_trip(input, {.window_bits = 9 + data[0] % 7, .context_takeover = context_takeover}, step);
  return 0;
}
