#include "ws/frame.hpp"

#include <plait/session.hpp>

#include <algorithm>

#include "codec/utf8.hpp"

namespace plait::ws {
std::size_t encode_close_payload(std::uint16_t code, std::string_view reason, std::uint8_t* out) {
  if (code == close_code::kNoStatus) return 0;
  store_big_endian(out, code, 2);
  const ByteView cut = codec::utf8_prefix(as_bytes(reason), kCloseReasonBytesMax);
  if (!codec::is_utf8(cut)) return 2;
  std::copy(cut.begin(), cut.end(), out + 2);
  return 2 + cut.size();
}

}  // namespace plait::ws
