// UTF-8: whole, piece by piece and a plain automaton after RFC 3629 §4 must agree, also on where a text goes wrong.
// Input: a byte for the size of the pieces, the text.
#include <algorithm>
#include <cstdlib>

#include "codec/utf8.hpp"

namespace {

using namespace plait;

void require(bool condition) {
  if (!condition) std::abort();
}

struct Verdict {
  std::size_t good_bytes = 0;  // how many bytes may begin a valid text
  bool whole = false;          // and the text may end there
};

Verdict judge(ByteView text) {
  unsigned low = 0x80, high = 0xBF, missing = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const unsigned byte = text[i];
    if (missing > 0) {
      if (byte < low || byte > high) return {i, false};
      low = 0x80, high = 0xBF, --missing;
    } else if (byte >= 0x80) {
      if (byte < 0xC2 || byte > 0xF4) return {i, false};
      missing = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
      if (byte == 0xE0) low = 0xA0;
      if (byte == 0xED) high = 0x9F;
      if (byte == 0xF0) low = 0x90;
      if (byte == 0xF4) high = 0x8F;
    }
  }
  return {text.size(), missing == 0};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const ByteView text{data + 1, size - 1};
  const std::size_t step = data[0] % 67 + 1;
  const Verdict verdict = judge(text);
  const bool valid = verdict.good_bytes == text.size() && verdict.whole;
  require(codec::is_utf8(text) == valid);

  codec::Utf8Validator validator;
  std::size_t accepted = 0;
  while (accepted < text.size()) {
    const ByteView piece = text.subspan(accepted, std::min(step, text.size() - accepted));
    const bool good = validator.add(piece);
    require(good == (verdict.good_bytes >= accepted + piece.size()));
    if (!good) return 0;
    accepted += piece.size();
  }
  require(validator.finish() == valid);
  if (valid) require(codec::is_utf8(codec::utf8_prefix(text, step)));
  return 0;
}
