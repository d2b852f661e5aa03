#include "http/body_decoder.hpp"

#include <algorithm>

#include "http/grammar.hpp"

namespace plait::http {
namespace {

// RFC 9112 §7.1 names no maximum; this many digits fill 64 bits, and no sender needs zeros in front.
constexpr int kSizeDigitsMax = 16;

}  // namespace

BodyDecoder::BodyDecoder(const BodyFraming& framing, std::uint64_t body_bytes_max)
    : state_(framing.kind == BodyFraming::Kind::chunked ? State::size_first : State::raw),
      body_bytes_max_(body_bytes_max) {
  if (framing.kind != BodyFraming::Kind::length) return;
  remaining_ = framing.length;
  if (framing.length > body_bytes_max) failed_ = Error::body_too_large;
}

Result<BodyDecoder::Chunk, Error> BodyDecoder::decode(ByteView& input) {
  if (failed_) return err(*failed_);
  auto chunk = state_ == State::raw ? take_data(input) : decode_chunked(input);
  if (!chunk) failed_ = chunk.error();
  return chunk;
}

Result<BodyDecoder::Chunk, Error> BodyDecoder::take_data(ByteView& input) {
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, input.size()));
  if (size > body_bytes_max_ - body_bytes_) return err(Error::body_too_large);
  const Chunk chunk{input.first(size), state_ == State::raw && size == remaining_};
  input = input.subspan(size);
  body_bytes_ += size;
  remaining_ -= size;
  return chunk;
}

Result<BodyDecoder::Chunk, Error> BodyDecoder::decode_chunked(ByteView& input) {
  while (!input.empty() && state_ != State::done) {
    if (state_ == State::data) {
      auto chunk = take_data(input);
      if (remaining_ == 0) state_ = State::data_carriage_return;
      return chunk;
    }
    if (auto error = handle_byte(static_cast<char>(input.front()))) return err(*error);
    input = input.subspan(1);
  }
  return Chunk{{}, state_ == State::done};
}

std::optional<Error> BodyDecoder::handle_byte(char c) {
  switch (state_) {
    case State::size_first:
    case State::size:
      return handle_size(c);
    case State::size_whitespace:
      return handle_size_end(c);
    case State::extension:
      return handle_extension(c);
    case State::size_line_feed:
      return handle_size_line_feed(c);
    case State::data_carriage_return:
      return expect(c, '\r', Error::missing_chunk_line_end, State::data_line_feed);
    case State::data_line_feed:
      return expect(c, '\n', Error::missing_chunk_line_end, State::size_first);
    case State::trailer_line_feed:
      return expect(c, '\n', Error::bare_carriage_return, State::trailer_line);
    case State::last_line_feed:
      return expect(c, '\n', Error::bare_carriage_return, State::done);
    case State::trailer_line:
    case State::trailer_name:
    case State::trailer_value:
      return handle_trailer(c);
    case State::raw:
    case State::data:
    case State::done:
      break;  // decode() takes no single bytes in these
  }
  return std::nullopt;
}

// chunk-size = 1*HEXDIG (RFC 9112 §7.1).
std::optional<Error> BodyDecoder::handle_size(char c) {
  if (in_class(c, CharClass::hex_digit)) {
    if (digit_count_ == kSizeDigitsMax) return Error::chunk_size_overflow;
    ++digit_count_;
    remaining_ = remaining_ * 16 + hex_value(c);
    state_ = State::size;
    return std::nullopt;
  }
  return state_ == State::size_first ? Error::bad_chunk_size : handle_size_end(c);
}

// What may stand behind the digits: CRLF, or white space and an extension.
std::optional<Error> BodyDecoder::handle_size_end(char c) {
  if (c == ';') {
    state_ = State::extension;
  } else if (is_whitespace(c)) {
    state_ = State::size_whitespace;
    if (++extension_bytes_ > kExtensionBytesMax) return Error::chunk_extensions_too_long;
  } else if (c == '\r' && state_ == State::size) {
    state_ = State::size_line_feed;
  } else {
    return c == '\n' ? Error::bare_line_feed : Error::bad_chunk_size;
  }
  return std::nullopt;
}

std::optional<Error> BodyDecoder::handle_extension(char c) {
  if (c == '\r') {
    state_ = State::size_line_feed;
    return std::nullopt;
  }
  if (c == '\n') return Error::bare_line_feed;
  if (!in_class(c, CharClass::field_value)) return Error::bad_chunk_extension;
  if (++extension_bytes_ > kExtensionBytesMax) return Error::chunk_extensions_too_long;
  return std::nullopt;
}

std::optional<Error> BodyDecoder::handle_size_line_feed(char c) {
  if (c != '\n') return Error::bare_carriage_return;
  if (remaining_ > body_bytes_max_ - body_bytes_) return Error::body_too_large;
  state_ = remaining_ == 0 ? State::trailer_line : State::data;
  digit_count_ = 0;
  return std::nullopt;
}

// trailer-section = *( field-line CRLF ), then CRLF (RFC 9112 §7.1.2).
std::optional<Error> BodyDecoder::handle_trailer(char c) {
  if (c == '\n') return Error::bare_line_feed;
  if (c == '\r') {
    if (state_ == State::trailer_name) return Error::missing_colon;
    state_ = state_ == State::trailer_line ? State::last_line_feed : State::trailer_line_feed;
    return std::nullopt;
  }
  if (++trailer_bytes_ > kTrailerBytesMax) return Error::trailer_too_large;
  if (state_ == State::trailer_value) {
    return in_class(c, CharClass::field_value) ? std::nullopt : std::optional{Error::bad_field_value};
  }
  if (state_ == State::trailer_line && is_whitespace(c)) return Error::obs_fold;
  if (state_ == State::trailer_name && c == ':') {
    state_ = State::trailer_value;
    return std::nullopt;
  }
  if (!in_class(c, CharClass::token)) return is_whitespace(c) ? Error::whitespace_before_colon : Error::bad_field_name;
  state_ = State::trailer_name;
  return std::nullopt;
}

std::optional<Error> BodyDecoder::expect(char c, char wanted, Error error, State next) {
  if (c != wanted) return error;
  state_ = next;
  return std::nullopt;
}

}  // namespace plait::http
