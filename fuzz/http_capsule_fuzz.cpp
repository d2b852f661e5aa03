// Capsules: the same capsules whole and in pieces (the first byte says how large), what a plain reader of the whole
// stream finds, nothing gathered above the limit, and what was found is found again after it was encoded.
#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "http/capsule.hpp"

namespace {

using namespace plait;
using namespace plait::http;

constexpr std::size_t kValueMax = 100;

void require(bool holds) {
  if (!holds) std::abort();
}

bool is_known(std::uint64_t type) { return type % 3 != 1; }

struct Found {
  std::vector<std::pair<std::uint64_t, std::string>> capsules;
  std::optional<CapsuleError> error;
  bool operator==(const Found&) const = default;
};

Found decode(ByteView stream, std::size_t piece_bytes) {
  CapsuleDecoder decoder{is_known, kValueMax};
  Found found;
  while (!stream.empty()) {
    ByteView piece = stream.first(std::min(piece_bytes, stream.size()));
    stream = stream.subspan(piece.size());
    for (;;) {
      const auto capsule = decoder.next(piece);
      if (!capsule) {
        found.error = capsule.error();
        return found;
      }
      if (!*capsule) break;
      require((*capsule)->value.size() <= kValueMax);
      found.capsules.emplace_back((*capsule)->type, as_text((*capsule)->value));
    }
    require(piece.empty());
  }
  if (const auto finished = decoder.finish(); !finished) found.error = finished.error();
  return found;
}

// RFC 9297 §3.2 of a stream that is all there.
Found read_plainly(ByteView stream) {
  Found found;
  while (!stream.empty()) {
    const core::Varint type = core::decode_varint(stream);
    const core::Varint length = core::decode_varint(stream.subspan(type.size));
    if (type.size == 0 || length.size == 0) {
      found.error = CapsuleError::truncated;
      break;
    }
    stream = stream.subspan(type.size + length.size);
    if (is_known(type.value) && length.value > kValueMax) {
      found.error = CapsuleError::value_too_large;
      break;
    }
    if (length.value > stream.size()) {
      found.error = CapsuleError::truncated;
      break;
    }
    const auto size = static_cast<std::size_t>(length.value);
    if (is_known(type.value)) found.capsules.emplace_back(type.value, as_text(stream.first(size)));
    stream = stream.subspan(size);
  }
  return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView stream{data + 1, size - 1};
  Found whole = decode(stream, size);
  require(whole == decode(stream, 1 + data[0]));
  require(whole == read_plainly(stream));
  core::VectorSink out;
  for (const auto& [type, value] : whole.capsules) encode_capsule(type, as_bytes(value), out);
  whole.error.reset();
  require(whole == decode(out.bytes, 3));
  return 0;
}
