// Deflate: any input inflates within its bounds and the same however it is cut; what was deflated inflates to itself.
// Input: a byte of options, a byte for the size of the pieces, the data.
#include <algorithm>
#include <cstdlib>
#include <vector>

#include "codec/deflate.hpp"

namespace {

using namespace plait;
using namespace plait::codec;

constexpr std::size_t kOutputBytesMax = 200'000;

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

void inflate_garbage(ByteView data, const Inflater::Options& options, std::size_t step) {
  Inflater whole{options};
  Inflater cut{options};
  const Inflated expected = inflate_all(whole, data, SIZE_MAX, 65'536);
  require(inflate_all(cut, data, step, step * 7) == expected);
  if (expected.status != Inflater::Status::message_end) return;
  require(expected.data.size() <= std::max(Inflater::kRatioFreeBytes, data.size() * options.ratio_max));
}

void round_trip(ByteView data, const Inflater::Options& options, std::size_t step, int memory_level) {
  Deflater deflater{
      {.window_bits = options.window_bits, .memory_level = memory_level, .context_takeover = options.context_takeover}};
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
    const Inflated result = inflate_all(inflater, sink.bytes, SIZE_MAX, 65'536);
    require(result.status == Inflater::Status::message_end && std::ranges::equal(result.data, data));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > 100'000) return 0;
  const bool context_takeover = (data[0] & 8) != 0;
  const std::size_t step = data[1] + 1U;
  const ByteView input{data + 2, size - 2};
  // The largest window: zlib finds distances beyond a smaller one only where its output happens to be cut.
  inflate_garbage(input, {.context_takeover = context_takeover, .ratio_max = 20}, step);
  round_trip(input, {.window_bits = 9 + data[0] % 7, .context_takeover = context_takeover}, step, 1 + data[0] / 16 % 9);
  return 0;
}
