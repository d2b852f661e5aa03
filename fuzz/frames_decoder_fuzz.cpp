// The decoder of spec/frames.md gets the same bytes whole and in pieces (the first byte says how large) and must report
// the same; what it reports must be encodable into bytes that mean the same again.
#include <algorithm>
#include <cstdlib>
#include <string>

#include "frames/decoder.hpp"
#include "frames/open.hpp"

namespace {

using plait::ByteView;
using plait::frames::Decoder;
using plait::frames::Event;

void append(std::string& log, const Event& event) {
  log += static_cast<char>(event.kind);
  log += static_cast<char>(event.error);
  log += std::to_string(event.close_code) + (event.message_kind == plait::MessageKind::text ? 't' : 'b');
  log += std::to_string(event.payload.size()) + ':';
  log += plait::as_text(event.payload);
}

// All events of `bytes`, given in pieces of `piece_bytes`, as one text.
std::string events_of(ByteView bytes, std::size_t piece_bytes, const plait::Limits& limits) {
  plait::core::BufferPool pool;
  Decoder decoder{{}, limits, pool};
  std::string log;
  std::string kept;
  while (!bytes.empty()) {
    const ByteView piece = bytes.first(std::min(piece_bytes, bytes.size()));
    bytes = bytes.subspan(piece.size());
    kept += plait::as_text(piece);
    ByteView input = plait::as_bytes(kept);
    for (Event event = decoder.next(input); event.kind != Event::Kind::need_more; event = decoder.next(input)) {
      append(log, event);
    }
    kept.erase(0, kept.size() - input.size());
    if (decoder.direct_buffer().size() > limits.message_bytes_max) std::abort();
  }
  return log;
}

void check_open(ByteView payload, const plait::Limits& limits) {
  const auto request = plait::frames::decode_open_request(payload, limits);
  if (!request) return;
  plait::core::VectorSink out;
  plait::frames::encode_open(*request, out);
  const auto head = plait::frames::decode_head(out.bytes);
  const ByteView again = ByteView{out.bytes}.subspan((*head)->head_bytes);
  if (!std::ranges::equal(again, payload)) std::abort();  // an opening has one encoding
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  plait::Limits limits;
  limits.message_bytes_max = 20000;
  const ByteView bytes{data + 1, size - 1};
  if (events_of(bytes, 1 + data[0], limits) != events_of(bytes, size, limits)) std::abort();
  check_open(bytes, limits);
  return 0;
}
