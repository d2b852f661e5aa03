#include "http/body_encoder.hpp"

#include <array>
#include <charconv>

namespace plait::http {

void encode_chunk(core::ByteSink& sink, ByteView data) {
  if (data.empty()) return;
  std::array<char, 18> size_line{};  // 16 digits and CRLF
  char* end = std::to_chars(size_line.data(), size_line.data() + 16, data.size(), 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  sink.append(as_bytes({size_line.data(), static_cast<std::size_t>(end - size_line.data())}));
  sink.append(data);
  sink.append(as_bytes("\r\n"));
}

void encode_last_chunk(core::ByteSink& sink) { sink.append(as_bytes("0\r\n\r\n")); }

}  // namespace plait::http
