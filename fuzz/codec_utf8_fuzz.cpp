// UTF-8: whole, piece by piece and a plain automaton after RFC 3629 §4 must agree, also on where a text goes wrong and
// on a second text after a good one; a prefix of a valid text is valid and drops at most one character.
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

// Whether all of `text` was accepted; false as soon as `verdict` says so, neither earlier nor later.
bool add_in_pieces(codec::Utf8Validator& validator, ByteView text, std::size_t step, const Verdict& verdict) {
  for (std::size_t accepted = 0; accepted < text.size();) {
    const ByteView piece = text.subspan(accepted, std::min(step, text.size() - accepted));
    accepted += piece.size();
    const bool good = validator.add(piece);
    require(good == (verdict.good_bytes >= accepted));
    if (!good) return false;
  }
  return true;
}

void check_prefix(ByteView text, std::size_t size_max, bool valid) {
  const ByteView prefix = codec::utf8_prefix(text, size_max);
  require(prefix.data() == text.data() && prefix.size() <= std::min(text.size(), size_max));
  require(prefix.size() + 3 >= std::min(text.size(), size_max));
  if (valid) require(codec::is_utf8(prefix));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const ByteView text{data + 1, size - 1};
  const std::size_t step = data[0] % 67 + 1;
  const Verdict verdict = judge(text);
  const bool valid = verdict.good_bytes == text.size() && verdict.whole;
  require(codec::is_utf8(text) == valid);

  check_prefix(text, step, valid);

  codec::Utf8Validator validator;
  if (!add_in_pieces(validator, text, step, verdict)) return 0;
  require(validator.finish() == valid);
  if (!add_in_pieces(validator, text, 1, verdict)) std::abort();
  require(validator.finish() == valid);
  return 0;
}
