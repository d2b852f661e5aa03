// JSON (RFC 8259), reading: JsonParser checks a whole text with SIMD (simdjson) and hands out JsonValue, a view into
// it.
//
// A parser keeps its buffers: in steady state parsing allocates nothing. One parser per thread; its values are valid
// until its next parse(), and never outlive it. What the text's sender controls is bounded: its size, its depth, and
// (simdjson's doing) numbers, which must fit 64-bit integers or doubles.
#pragma once

#include <plait/bytes.hpp>
#include <plait/result.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace plait::codec {

/// Why a text was refused; one per rule.
enum class JsonError : std::uint8_t {
  empty,              ///< no value at all
  too_large,          ///< longer than the parser's limit
  too_deep,           ///< more than kJsonDepthMax arrays and objects in one another
  byte_order_mark,    ///< U+FEFF before the value (RFC 8259 §8.1)
  invalid_utf8,       ///< RFC 8259 §8.1
  control_character,  ///< below U+0020 inside a string, unescaped (RFC 8259 §7)
  unclosed_string,
  bad_escape,  ///< \x, half a surrogate pair
  bad_literal,
  bad_number,     ///< malformed, or outside 64-bit integers and doubles
  bad_structure,  ///< brackets, commas, colons, or something after the value
  out_of_memory,
};
/// A few words for a person.
[[nodiscard]] std::string_view describe(JsonError error);

/// Arrays and objects in one another.
inline constexpr std::size_t kJsonDepthMax = 64;
/// Readable bytes behind the text that parse() needs when told that they are there.
inline constexpr std::size_t kJsonPaddingBytes = 64;

/// A parser keeps the buffers of a text up to this size even when it is told to shrink().
inline constexpr std::size_t kJsonKeptBytes = std::size_t{1} << 20;

enum class JsonKind : std::uint8_t { absent, null, boolean, number, string, array, object };

class JsonMembers;
class JsonElements;
struct JsonDocument;

/// One value, 16 bytes, cheap to copy. Default-constructed it is absent: every question to it has the empty answer, so
/// that lookups chain without checks.
class JsonValue {
 public:
  JsonValue() = default;

  [[nodiscard]] JsonKind kind() const;
  /// False if absent.
  explicit operator bool() const { return document_ != nullptr; }
  [[nodiscard]] bool is_null() const { return kind() == JsonKind::null; }

  // nullopt: another kind, or (integers) not representable without loss.
  [[nodiscard]] std::optional<bool> as_bool() const;
  [[nodiscard]] std::optional<std::int64_t> as_int64() const;
  [[nodiscard]] std::optional<std::uint64_t> as_uint64() const;
  [[nodiscard]] std::optional<double> as_double() const;  ///< of any number
  /// Unescaped UTF-8; valid until the next parse().
  [[nodiscard]] std::optional<std::string_view> as_string() const;

  /// The member of that name, the last if there are several (as JavaScript and Python have it); absent if there is none
  /// or this is no object. Compares with every member.
  [[nodiscard]] JsonValue find(std::string_view name) const;
  /// In the order of the text; nothing if this is no object.
  [[nodiscard]] JsonMembers members() const;
  /// Nothing if this is no array.
  [[nodiscard]] JsonElements elements() const;

  /// The value exactly as it stands in the text that was given to parse(), and as long-lived as that.
  [[nodiscard]] std::string_view raw() const;

 private:
  friend class JsonParser;
  friend class JsonMembers;
  friend class JsonElements;
  JsonValue(JsonDocument* document, std::uint32_t index) : document_(document), index_(index) {}

  JsonDocument* document_ = nullptr;
  std::uint32_t index_ = 0;  // of its word on simdjson's tape
};

struct JsonMember {
  std::string_view name;  ///< unescaped; valid until the next parse()
  JsonValue value;
};

/// Where a loop over members or elements stands; compares unequal to the end only.
template <class Range>
class JsonCursor {
 public:
  explicit JsonCursor(Range rest) : rest_(rest) {}
  auto operator*() const { return rest_.front(); }
  JsonCursor& operator++() {
    rest_.drop_front();
    return *this;
  }
  bool operator!=(const JsonCursor& end) const { return rest_.index_ != end.rest_.index_; }

 private:
  Range rest_;
};

class JsonMembers {
 public:
  [[nodiscard]] auto begin() const { return JsonCursor{*this}; }
  [[nodiscard]] auto end() const { return JsonCursor{JsonMembers{document_, end_, end_}}; }

 private:
  friend class JsonValue;
  friend class JsonCursor<JsonMembers>;
  JsonMembers(JsonDocument* document, std::uint32_t index, std::uint32_t end)
      : document_(document), index_(index), end_(end) {}
  [[nodiscard]] JsonMember front() const;
  void drop_front();

  JsonDocument* document_;
  std::uint32_t index_;
  std::uint32_t end_;
};

class JsonElements {
 public:
  [[nodiscard]] auto begin() const { return JsonCursor{*this}; }
  [[nodiscard]] auto end() const { return JsonCursor{JsonElements{document_, end_, end_}}; }

 private:
  friend class JsonValue;
  friend class JsonCursor<JsonElements>;
  JsonElements(JsonDocument* document, std::uint32_t index, std::uint32_t end)
      : document_(document), index_(index), end_(end) {}
  [[nodiscard]] JsonValue front() const { return {document_, index_}; }
  void drop_front();

  JsonDocument* document_;
  std::uint32_t index_;
  std::uint32_t end_;
};

class JsonParser {
 public:
  enum class Padding : std::uint8_t {
    copy,     ///< the text is copied into a buffer of the parser's
    present,  ///< kJsonPaddingBytes behind the text are readable; their contents do not matter
  };

  /// Texts above `text_bytes_max` are refused before anything is allocated.
  explicit JsonParser(std::size_t text_bytes_max = std::size_t{16} << 20);
  JsonParser(JsonParser&&) noexcept;
  JsonParser& operator=(JsonParser&&) noexcept;
  ~JsonParser();

  /// The value that `text` is. Ends the validity of all values handed out before. `text` must live as long as raw() of
  /// any value is used.
  Result<JsonValue, JsonError> parse(std::string_view text, Padding padding = Padding::copy);
  Result<JsonValue, JsonError> parse(ByteView text, Padding padding = Padding::copy) {
    return parse(as_text(text), padding);
  }
  /// Frees the buffers of a text above kJsonKeptBytes, 20 bytes for each byte of it; they would stay until a text that
  /// is much smaller comes. Ends the validity of all values.
  void shrink();

 private:
  std::unique_ptr<JsonDocument> document_;
};

}  // namespace plait::codec
