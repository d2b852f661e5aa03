// Capsules (RFC 9297 §3): type, length and value on the data stream of an upgraded request.
#pragma once

#include <plait/bytes.hpp>
#include <plait/result.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/byte_sink.hpp"
#include "core/varint.hpp"

namespace plait::http {

/// Largest value of a capsule of a known type that a decoder accepts unless told otherwise.
inline constexpr std::size_t kCapsuleValueBytesMax = 65536;

enum class CapsuleError : std::uint8_t {
  value_too_large,  ///< a capsule of a known type is longer than the decoder's limit
  truncated,        ///< the data stream ended inside a capsule (RFC 9297 §3.3: the message is malformed)
};

/// A sentence that names the broken rule.
[[nodiscard]] std::string_view describe(CapsuleError error);

struct Capsule {
  std::uint64_t type = 0;
  ByteView value{};  ///< valid until the next call of the decoder, and while the input is
};

/// Finds capsules in a data stream that may be cut anywhere. A capsule of a type that `is_known` refuses is passed
/// over, whatever its length, and takes no memory (RFC 9297 §3.2). Lengths may be encoded longer than needed (RFC 9000
/// §16).
class CapsuleDecoder {
 public:
  using IsKnown = bool (*)(std::uint64_t type);

  explicit CapsuleDecoder(IsKnown is_known, std::size_t value_bytes_max = kCapsuleValueBytesMax)
      : is_known_(is_known), value_bytes_max_(value_bytes_max) {}

  /// The next capsule of a known type; removes what was used from the front of `input`. None: `input` is used up, and
  /// nothing of it need be kept. A value that stands whole in `input` is reported there, others are gathered.
  /// Error: value_too_large, before anything is stored; the decoder answers only that from then on.
  Result<std::optional<Capsule>, CapsuleError> next(ByteView& input);

  /// The data stream has ended. Error: truncated.
  [[nodiscard]] Result<void, CapsuleError> finish() const;

 private:
  enum class State : std::uint8_t { header, value, skipped, failed };

  bool take_header(ByteView& input);
  void begin_value();
  std::optional<ByteView> take_value(ByteView& input);

  IsKnown is_known_;
  std::size_t value_bytes_max_;
  State state_ = State::header;
  std::uint8_t header_bytes_ = 0;  // of a header that is not whole yet
  std::array<std::uint8_t, 2 * core::kVarintBytesMax> header_{};
  std::uint64_t type_ = 0;
  std::uint64_t bytes_left_ = 0;     // of the value
  std::vector<std::uint8_t> value_;  // of a value that came in pieces
  bool value_reported_ = false;
};

/// Appends type and length; `value_bytes` of value are to follow.
void encode_capsule_header(std::uint64_t type, std::uint64_t value_bytes, core::ByteSink& out);
/// Appends a whole capsule.
void encode_capsule(std::uint64_t type, ByteView value, core::ByteSink& out);

}  // namespace plait::http
