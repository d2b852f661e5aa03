#include "frames/open.hpp"

#include <algorithm>
#include <optional>

#include "codec/utf8.hpp"
#include "core/assert.hpp"
#include "core/varint.hpp"
#include "frames/frame.hpp"

namespace plait::frames {
namespace {

bool is_visible_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7F'; });
}

bool is_token(std::string_view text) {  // RFC 9110 §5.6.2
  return is_visible_ascii(text) && text.find_first_of("\"(),/:;<=>?@[\\]{}") == std::string_view::npos;
}

// Takes fields from the front of an open payload. One that breaks a rule makes ok() false, and reads as empty.
class FieldReader {
 public:
  explicit FieldReader(ByteView payload) : rest_(payload) {}

  std::uint64_t number() {
    const core::Varint varint = core::decode_varint(rest_);
    if (varint.size == 0) return fail(Error::open_truncated), 0;
    if (!varint.minimal()) return fail(Error::length_not_minimal), 0;
    rest_ = rest_.subspan(varint.size);
    return varint.value;
  }
  std::string_view raw(std::uint64_t size) {
    if (size > rest_.size()) return fail(Error::open_truncated), std::string_view{};
    const std::string_view text = as_text(rest_.first(size));
    rest_ = rest_.subspan(size);
    return text;
  }
  std::string_view text() { return raw(number()); }
  std::uint16_t status() {
    const std::string_view bytes = raw(2);
    if (bytes.empty()) return 0;
    return static_cast<std::uint16_t>(static_cast<std::uint8_t>(bytes[0]) << 8 | static_cast<std::uint8_t>(bytes[1]));
  }

  /// Whether all fields were whole and nothing is left.
  [[nodiscard]] Result<void, Error> finish() const {
    if (error_) return err(*error_);
    if (!rest_.empty()) return err(Error::open_trailing_bytes);
    return {};
  }
  [[nodiscard]] bool ok() const { return !error_; }

 private:
  void fail(Error error) {
    if (!error_) error_ = error;
    rest_ = {};
  }
  ByteView rest_;
  std::optional<Error> error_;  // the first
};

std::size_t field_size(std::string_view text) { return core::varint_size(text.size()) + text.size(); }

void append_number(std::uint64_t value, core::ByteSink& out) {
  std::uint8_t bytes[core::kVarintBytesMax];
  out.append({bytes, core::encode_varint(value, bytes)});
}

void append_field(std::string_view text, core::ByteSink& out) {
  append_number(text.size(), out);
  out.append(as_bytes(text));
}

std::size_t payload_size(const OpenRequest& request) {
  std::size_t size = kMagic.size() + field_size(request.path) + field_size(request.authority) +
                     field_size(request.token) + core::varint_size(request.subprotocols.size());
  for (const std::string_view subprotocol : request.subprotocols) size += field_size(subprotocol);
  return size;
}

}  // namespace

void encode_open(const OpenRequest& request, core::ByteSink& out) {
  const std::size_t size = payload_size(request);
  PLAIT_ASSERT(size <= kOpenBytesMax, "fields above their limits");
  out.append(FrameHeader{FrameType::open, size}.view());
  out.append(as_bytes(kMagic));
  append_field(request.path, out);
  append_field(request.authority, out);
  append_field(request.token, out);
  append_number(request.subprotocols.size(), out);
  for (const std::string_view subprotocol : request.subprotocols) append_field(subprotocol, out);
}

void encode_open(const OpenResponse& response, core::ByteSink& out) {
  const std::string_view text = response.status == kStatusAccepted ? response.subprotocol : response.reason;
  PLAIT_ASSERT(text.size() <= kReasonBytesMax, "reason above its limit");
  const std::uint8_t status[2] = {static_cast<std::uint8_t>(response.status >> 8),
                                  static_cast<std::uint8_t>(response.status)};
  out.append(FrameHeader{FrameType::open, kMagic.size() + sizeof(status) + field_size(text)}.view());
  out.append(as_bytes(kMagic));
  out.append(status);
  append_field(text, out);
}

Result<void, Error> check_request(const OpenRequest& request, const Limits& limits) {
  if (request.path.size() > kPathBytesMax) return err(Error::path_too_long);
  if (!request.path.starts_with('/') || !is_visible_ascii(request.path)) return err(Error::path_invalid);
  if (request.authority.size() > kAuthorityBytesMax) return err(Error::authority_too_long);
  if (!is_visible_ascii(request.authority)) return err(Error::authority_invalid);
  if (request.token.size() > kTokenBytesMax) return err(Error::token_too_long);
  if (!is_visible_ascii(request.token)) return err(Error::token_invalid);
  if (request.subprotocols.size() > limits.subprotocols_max) return err(Error::too_many_subprotocols);
  for (const std::string_view subprotocol : request.subprotocols) {
    if (subprotocol.empty() || subprotocol.size() > kSubprotocolBytesMax || !is_token(subprotocol)) {
      return err(Error::subprotocol_invalid);
    }
  }
  if (payload_size(request) > kOpenBytesMax) return err(Error::open_too_big);
  return {};
}

Result<OpenRequest, Error> decode_open_request(ByteView payload, const Limits& limits) {
  FieldReader reader{payload};
  if (reader.raw(kMagic.size()) != kMagic) return err(Error::bad_magic);
  OpenRequest request;
  request.path = reader.text();
  request.authority = reader.text();
  request.token = reader.text();
  const std::uint64_t count = reader.number();
  if (count > limits.subprotocols_max) return err(Error::too_many_subprotocols);
  for (std::uint64_t i = 0; i < count && reader.ok(); ++i) request.subprotocols.push_back(reader.text());
  if (auto finished = reader.finish(); !finished) return err(finished.error());
  if (auto checked = check_request(request, limits); !checked) return err(checked.error());
  return request;
}

Result<OpenResponse, Error> decode_open_response(ByteView payload, std::span<const std::string> offered) {
  FieldReader reader{payload};
  if (reader.raw(kMagic.size()) != kMagic) return err(Error::bad_magic);
  OpenResponse response;
  response.status = reader.status();
  const std::string_view text = reader.text();
  if (auto finished = reader.finish(); !finished) return err(finished.error());
  if (response.status == kStatusAccepted) {
    if (text.size() > kSubprotocolBytesMax || !is_token(text)) return err(Error::subprotocol_invalid);
    if (!is_offered(text, offered)) return err(Error::subprotocol_not_offered);
    response.subprotocol = text;
    return response;
  }
  if (response.status < 400 || response.status > 599) return err(Error::status_invalid);
  if (text.size() > kReasonBytesMax) return err(Error::reason_too_long);
  if (!codec::is_utf8(as_bytes(text))) return err(Error::reason_invalid);
  response.reason = text;
  return response;
}

bool is_offered(std::string_view subprotocol, std::span<const std::string> offered) {
  return subprotocol.empty() || std::ranges::find(offered, subprotocol) != offered.end();
}

}  // namespace plait::frames
