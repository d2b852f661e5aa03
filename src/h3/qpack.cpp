#include "h3/qpack.hpp"

#include <nghttp3/nghttp3.h>

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "core/assert.hpp"
#include "core/joined.hpp"
#include "h3/frame.hpp"

namespace plait::h3 {
namespace {

constexpr std::size_t kLineOverhead = 32;  // RFC 9114 §4.2.2
constexpr std::string_view kCookie = "cookie";

std::string_view text_of(const nghttp3_rcbuf* buffer) {
  const nghttp3_vec vec = nghttp3_rcbuf_get_buf(buffer);
  return as_text({vec.base, vec.len});
}

// What the lines of a field section come to.
class SectionSize {
 public:
  explicit SectionSize(const SectionLimits& limits) : limits_(limits) {}

  Result<void, Error> add(std::string_view name, std::string_view value) {
    const std::size_t bytes = name.size() + value.size() + kLineOverhead;
    if (bytes > limits_.bytes_max - bytes_) return err(Error::field_section_too_large);
    bytes_ += bytes;
    if (counts(name) && ++fields_ > limits_.fields_max) return err(Error::too_many_fields);
    return {};
  }

 private:
  // Not the pieces of a Cookie behind its first, as many as they may be, nor as many pseudo-headers as there are.
  bool counts(std::string_view name) {
    constexpr std::size_t kPseudoHeaders = 5;
    if (name.starts_with(':')) return ++pseudo_headers_ > kPseudoHeaders;
    return name != kCookie || !std::exchange(cookie_, true);
  }

  const SectionLimits limits_;
  std::size_t bytes_ = 0;
  std::size_t fields_ = 0;
  std::size_t pseudo_headers_ = 0;
  bool cookie_ = false;
};

// The field section that the encoder writes: prefix and lines.
struct Encoded {
  nghttp3_buf prefix{};
  nghttp3_buf lines{};
  nghttp3_buf table{};
  Encoded() {
    nghttp3_buf_init(&prefix);
    nghttp3_buf_init(&lines);
    nghttp3_buf_init(&table);
  }
  Encoded(const Encoded&) = delete;
  Encoded& operator=(const Encoded&) = delete;
  ~Encoded() {
    for (nghttp3_buf* buffer : {&prefix, &lines, &table}) nghttp3_buf_free(buffer, nghttp3_mem_default());
  }
};

ByteView view_of(const nghttp3_buf& buffer) { return {buffer.pos, nghttp3_buf_len(&buffer)}; }

nghttp3_nv to_line(const http::Field& field) {
  const auto bytes = [](std::string_view text) {
    return const_cast<std::uint8_t*>(as_bytes(text).data());  // NOLINT(cppcoreguidelines-pro-type-const-cast)
  };
  return {bytes(field.name), bytes(field.value), field.name.size(), field.value.size(), NGHTTP3_NV_FLAG_NONE};
}

}  // namespace

// --- FieldSection ---------------------------------------------------------------------------------------------------

FieldSection::FieldSection(FieldSection&& other) noexcept
    : lines_(std::move(other.lines_)), buffers_(std::exchange(other.buffers_, {})), cookie_(std::move(other.cookie_)) {}

FieldSection& FieldSection::operator=(FieldSection&& other) noexcept {
  std::swap(lines_, other.lines_);
  std::swap(buffers_, other.buffers_);
  std::swap(cookie_, other.cookie_);
  return *this;
}

FieldSection::~FieldSection() {
  for (nghttp3_rcbuf* buffer : buffers_) nghttp3_rcbuf_decref(buffer);
}

void FieldSection::add(nghttp3_rcbuf* name, nghttp3_rcbuf* value) {
  buffers_.push_back(name);
  buffers_.push_back(value);
  lines_.add(text_of(name), text_of(value));
}

void FieldSection::join_cookies() {
  if (lines_.count(kCookie) < 2) return;
  auto joined = std::make_unique<std::string>();
  for (const http::Field& line : lines_) {
    if (line.name == kCookie) joined->append(joined->empty() ? "" : "; ").append(line.value);
  }
  http::Fields lines;
  lines.reserve(lines_.size());
  bool is_there = false;
  for (const http::Field& line : lines_) {
    if (line.name != kCookie) {
      lines.add(line.name, line.value);
    } else if (!std::exchange(is_there, true)) {
      lines.add(line.name, *joined);
    }
  }
  lines_ = std::move(lines);
  cookie_ = std::move(joined);
}

// --- Qpack ----------------------------------------------------------------------------------------------------------

void Qpack::Delete::operator()(nghttp3_qpack_encoder* encoder) const { nghttp3_qpack_encoder_del(encoder); }
void Qpack::Delete::operator()(nghttp3_qpack_decoder* decoder) const { nghttp3_qpack_decoder_del(decoder); }
void Qpack::Delete::operator()(nghttp3_qpack_stream_context* context) const {
  nghttp3_qpack_stream_context_del(context);
}

void Qpack::prepare_decoder() {
  if (decoder_ != nullptr) return;
  nghttp3_qpack_decoder* decoder = nullptr;
  nghttp3_qpack_stream_context* context = nullptr;
  PLAIT_ASSERT(nghttp3_qpack_decoder_new(&decoder, 0, 0, nghttp3_mem_default()) == 0, "out of memory");
  PLAIT_ASSERT(nghttp3_qpack_stream_context_new(&context, 0, nghttp3_mem_default()) == 0, "out of memory");
  decoder_.reset(decoder);
  context_.reset(context);
}

void Qpack::drop_decoder() {
  context_.reset();
  decoder_.reset();
}

Result<FieldSection, Error> Qpack::decode(ByteView section, const SectionLimits& limits) {
  prepare_decoder();
  auto decoded = decode_lines(section, limits);
  if (decoded) {
    nghttp3_qpack_stream_context_reset(context_.get());
  } else {
    drop_decoder();  // nghttp3 refuses to use it again, or is inside a section
  }
  return decoded;
}

Result<FieldSection, Error> Qpack::decode_lines(ByteView section, const SectionLimits& limits) {
  FieldSection decoded;
  SectionSize size{limits};
  for (;;) {
    nghttp3_qpack_nv line{};
    std::uint8_t flags = 0;
    const nghttp3_ssize used = nghttp3_qpack_decoder_read_request(decoder_.get(), context_.get(), &line, &flags,
                                                                  section.data(), section.size(), 1);
    if (used == NGHTTP3_ERR_QPACK_HEADER_TOO_LARGE) return err(Error::field_section_too_large);
    if (used < 0 || (flags & NGHTTP3_QPACK_DECODE_FLAG_BLOCKED) != 0) return err(Error::qpack_decompression_failed);
    section = section.subspan(static_cast<std::size_t>(used));
    const bool emitted = (flags & NGHTTP3_QPACK_DECODE_FLAG_EMIT) != 0;
    if (emitted) {
      decoded.add(line.name, line.value);
      if (const auto fits = size.add(text_of(line.name), text_of(line.value)); !fits) return err(fits.error());
    }
    if ((flags & NGHTTP3_QPACK_DECODE_FLAG_FINAL) != 0) return decoded;
    if (!emitted && used == 0) return err(Error::qpack_decompression_failed);
  }
}

Bytes Qpack::encode_headers(std::span<const http::Field> lines) {
  if (encoder_ == nullptr) {
    nghttp3_qpack_encoder* encoder = nullptr;
    PLAIT_ASSERT(nghttp3_qpack_encoder_new(&encoder, 0, nghttp3_mem_default()) == 0, "out of memory");
    encoder_.reset(encoder);
  }
  std::vector<nghttp3_nv> values;
  values.reserve(lines.size());
  std::transform(lines.begin(), lines.end(), std::back_inserter(values), to_line);
  Encoded encoded;
  const int result = nghttp3_qpack_encoder_encode(encoder_.get(), &encoded.prefix, &encoded.lines, &encoded.table, 0,
                                                  values.data(), values.size());
  PLAIT_ASSERT(result == 0 && nghttp3_buf_len(&encoded.table) == 0, "an encoder without a table has no state to break");

  const ByteView prefix = view_of(encoded.prefix);
  const ByteView rest = view_of(encoded.lines);
  const FrameHeader header{frame_type::kHeaders, prefix.size() + rest.size()};
  return core::joined({header.view(), prefix, rest});
}

// --- The two streams of QPACK ---------------------------------------------------------------------------------------

bool is_valid_encoder_stream(ByteView data) {
  constexpr std::uint8_t kSetCapacity0 = 0x20;  // RFC 9204 §4.3.1; 0 has no other encoding
  return std::all_of(data.begin(), data.end(), [](std::uint8_t byte) { return byte == kSetCapacity0; });
}

bool DecoderStreamReader::read(ByteView data) {
  constexpr std::uint8_t kCancellation = 0x40;  // RFC 9204 §4.4.2: 01, then a 6-bit prefix
  constexpr std::uint8_t kPrefix = 0x3F;
  constexpr std::uint8_t kMore = 0x80;
  constexpr std::uint8_t kIntegerBytesMax = 10;
  for (const std::uint8_t byte : data) {
    if (continuation_bytes_ == 0) {
      if ((byte & ~kPrefix) != kCancellation) return false;
      if ((byte & kPrefix) == kPrefix) continuation_bytes_ = 1;
      continue;
    }
    if (++continuation_bytes_ > kIntegerBytesMax) return false;
    if ((byte & kMore) == 0) continuation_bytes_ = 0;
  }
  return true;
}

}  // namespace plait::h3
