// QPACK (RFC 9204) without a dynamic table, over nghttp3's coder.
#pragma once

#include <plait/bytes.hpp>
#include <plait/result.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "h3/error.hpp"
#include "http/fields.hpp"

struct nghttp3_rcbuf;
struct nghttp3_qpack_encoder;
struct nghttp3_qpack_decoder;
struct nghttp3_qpack_stream_context;

namespace plait::h3 {

/// What a field section may come to.
struct SectionLimits {
  std::size_t bytes_max = 0;   ///< counted as RFC 9114 §4.2.2 says: name, value and 32 for each line
  std::size_t fields_max = 0;  ///< without pseudo-headers; the pieces of a Cookie are one
};

/// The lines of a decoded field section, pseudo-headers too, and what their views point into.
class FieldSection {
 public:
  FieldSection() = default;
  FieldSection(FieldSection&& other) noexcept;
  FieldSection& operator=(FieldSection&& other) noexcept;
  ~FieldSection();

  [[nodiscard]] const http::Fields& lines() const { return lines_; }
  /// RFC 9114 §4.2.1: clients may split a Cookie; what is behind HTTP/3 wants one, in the place of its first part.
  void join_cookies();

 private:
  friend class Qpack;
  void add(nghttp3_rcbuf* name, nghttp3_rcbuf* value);

  http::Fields lines_;
  std::vector<nghttp3_rcbuf*> buffers_;
  std::unique_ptr<std::string> cookie_;  // if it was joined
};

/// Encoder and decoder. Without a dynamic table field sections do not depend on each other, so one of these serves all
/// connections of a thread, and a connection owns no table.
class Qpack {
 public:
  Qpack() = default;
  Qpack(const Qpack&) = delete;
  Qpack& operator=(const Qpack&) = delete;

  /// Errors: qpack_decompression_failed; field_section_too_large and too_many_fields, at the first line beyond
  /// `limits`: a line may be one byte on the wire, and what follows it is not looked at.
  Result<FieldSection, Error> decode(ByteView section, const SectionLimits& limits);

  /// A whole HEADERS frame.
  Bytes encode_headers(std::span<const http::Field> lines);

 private:
  struct Delete {
    void operator()(nghttp3_qpack_encoder* encoder) const;
    void operator()(nghttp3_qpack_decoder* decoder) const;
    void operator()(nghttp3_qpack_stream_context* context) const;
  };
  void prepare_decoder();
  void drop_decoder();
  Result<FieldSection, Error> decode_lines(ByteView section, const SectionLimits& limits);

  std::unique_ptr<nghttp3_qpack_encoder, Delete> encoder_;
  std::unique_ptr<nghttp3_qpack_decoder, Delete> decoder_;
  std::unique_ptr<nghttp3_qpack_stream_context, Delete> context_;
};

/// The peer's QPACK encoder stream. Without a dynamic table only "Set Dynamic Table Capacity 0" makes sense there.
/// False: another instruction (RFC 9204 §3.2.2, §4.3).
[[nodiscard]] bool is_valid_encoder_stream(ByteView data);

/// The peer's QPACK decoder stream. As we never refer to a dynamic table, only Stream Cancellation can be right.
class DecoderStreamReader {
 public:
  /// False: an acknowledgment of what was never sent (RFC 9204 §4.4.1, §4.4.3), or an integer that is too long.
  [[nodiscard]] bool read(ByteView data);

 private:
  std::uint8_t continuation_bytes_ = 0;  // of a stream ID, so far; 0: between instructions
};

}  // namespace plait::h3
