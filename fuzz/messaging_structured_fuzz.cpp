// The frames of structured messages: the same bytes whole and in pieces (the first byte says how large) give the same
// frames, and nothing above the limit.
#include <algorithm>
#include <cstdlib>
#include <string>

#include "messaging/frame_decoder.hpp"

namespace {

using plait::ByteView;
using plait::messaging::FrameDecoder;

constexpr std::size_t kHeaderBytes = 6;
constexpr std::size_t kPayloadBytesMax = 300;

std::string frames_of(ByteView bytes, std::size_t piece_bytes) {
  FrameDecoder decoder{kHeaderBytes, kPayloadBytesMax};
  std::string log;
  while (!bytes.empty()) {
    ByteView piece = bytes.first(std::min(piece_bytes, bytes.size()));
    bytes = bytes.subspan(piece.size());
    FrameDecoder::Frame frame;
    FrameDecoder::Status status;
    while ((status = decoder.next(piece, frame)) == FrameDecoder::Status::frame) {
      if (frame.payload.size() > kPayloadBytesMax || frame.header.size() != kHeaderBytes) std::abort();
      if (plait::messaging::read_u32(frame.header.subspan(2)) != frame.payload.size()) std::abort();
      log += std::to_string(plait::messaging::read_u16(frame.header)) + ':';
      log.append(plait::as_text(frame.payload)) += '\n';
    }
    if (status == FrameDecoder::Status::too_large) return log + "too large";
  }
  return log + (decoder.inside() ? "inside" : "between");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView bytes{data + 1, size - 1};
  if (frames_of(bytes, 1 + std::size_t{data[0]}) != frames_of(bytes, size)) std::abort();
  return 0;
}
