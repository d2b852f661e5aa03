// BodyDecoder: the body behind a head (RFC 9112 §6, §7), from bytes that come in any pieces, without a copy.
#pragma once

#include <plait/bytes.hpp>
#include <plait/result.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>

#include "http/error.hpp"
#include "http/request.hpp"

namespace plait::http {

class BodyDecoder {
 public:
  /// All chunk extensions of one body together, bytes. They mean nothing here (RFC 9112 §7.1.1 lets us ignore them),
  /// so a body made of them costs its sender more than us.
  static constexpr std::size_t kExtensionBytesMax = std::size_t{16} << 10;
  /// The trailer section, bytes. Trailer fields are checked, and dropped (RFC 9110 §6.5.1 allows it).
  static constexpr std::size_t kTrailerBytesMax = std::size_t{8} << 10;

  struct Chunk {
    ByteView data;      ///< the next part of the body, in `input`; empty and not done: more input is needed
    bool done = false;  ///< the body ends with `data`; what is left in `input` is the next message
  };

  /// Of a request, so until_close is none of its kinds. `body_bytes_max` is for the decoded body; 413 beyond.
  BodyDecoder(const BodyFraming& framing, std::uint64_t body_bytes_max);

  /// Takes the next part off the front of `input`. Call again while it answers data. A length that is too large is
  /// refused by the first call, whatever the input, so that no 100 (Continue) need be sent. An error repeats for ever.
  Result<Chunk, Error> decode(ByteView& input);

 private:
  enum class State : std::uint8_t {
    raw,  // until `remaining_` is zero
    size_first,
    size,
    size_whitespace,
    extension,
    size_line_feed,
    data,
    data_carriage_return,
    data_line_feed,
    trailer_line,
    trailer_name,
    trailer_value,
    trailer_line_feed,
    last_line_feed,
    done,
  };

  Result<Chunk, Error> take_data(ByteView& input);
  Result<Chunk, Error> decode_chunked(ByteView& input);
  std::optional<Error> handle_byte(char c);
  std::optional<Error> handle_size(char c);
  std::optional<Error> handle_size_end(char c);
  std::optional<Error> handle_extension(char c);
  std::optional<Error> handle_size_line_feed(char c);
  std::optional<Error> handle_trailer(char c);
  std::optional<Error> expect(char c, char wanted, Error error, State next);

  State state_;
  std::uint8_t digit_count_ = 0;
  std::optional<Error> failed_;
  std::uint64_t body_bytes_max_;
  std::uint64_t body_bytes_ = 0;
  std::uint64_t remaining_ = 0;  ///< of the body (raw) or of the chunk
  std::size_t extension_bytes_ = 0;
  std::size_t trailer_bytes_ = 0;
};

}  // namespace plait::http
