#include "codec/json.hpp"

#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>
#include <vector>

#include "core/release_memory.hpp"

namespace plait::codec {
namespace {

static_assert(kJsonPaddingBytes >= simdjson::SIMDJSON_PADDING);

// Buffers of a text above this are freed at the next smaller one: simdjson needs 20 bytes per byte of text.
constexpr std::size_t kKeptTextBytes = std::size_t{256} << 10;
constexpr std::size_t kSmallestCapacity = 4096;

JsonError error_of(simdjson::error_code code) {
  switch (code) {
    case simdjson::CAPACITY:
      return JsonError::too_large;
    case simdjson::MEMALLOC:
      return JsonError::out_of_memory;
    case simdjson::DEPTH_ERROR:
      return JsonError::too_deep;
    case simdjson::STRING_ERROR:
      return JsonError::bad_escape;
    case simdjson::T_ATOM_ERROR:
    case simdjson::F_ATOM_ERROR:
    case simdjson::N_ATOM_ERROR:
      return JsonError::bad_literal;
    case simdjson::NUMBER_ERROR:
      return JsonError::bad_number;
    case simdjson::UTF8_ERROR:
      return JsonError::invalid_utf8;
    case simdjson::EMPTY:
      return JsonError::empty;
    case simdjson::UNESCAPED_CHARS:
      return JsonError::control_character;
    case simdjson::UNCLOSED_STRING:
      return JsonError::unclosed_string;
    default:
      return JsonError::bad_structure;
  }
}

bool is_white_space(char character) {
  return character == ' ' || character == '\n' || character == '\r' || character == '\t';
}

}  // namespace

std::string_view describe(JsonError error) {
  switch (error) {
    case JsonError::empty:
      return "no JSON value";
    case JsonError::too_large:
      return "JSON text too large";
    case JsonError::too_deep:
      return "JSON nested too deeply";
    case JsonError::byte_order_mark:
      return "byte order mark before the JSON value";
    case JsonError::invalid_utf8:
      return "JSON text is not valid UTF-8";
    case JsonError::control_character:
      return "unescaped control character in a JSON string";
    case JsonError::unclosed_string:
      return "JSON string without its closing quote";
    case JsonError::bad_escape:
      return "invalid escape in a JSON string";
    case JsonError::bad_literal:
      return "JSON literal other than true, false or null";
    case JsonError::bad_number:
      return "malformed JSON number, or outside 64 bits";
    case JsonError::bad_structure:
      return "misplaced bracket, comma, colon or value in JSON";
    case JsonError::out_of_memory:
      return "no memory for the JSON text";
  }
  return "unknown JSON error";
}

// simdjson's result is a tape of 64-bit words: a type character in the top byte, a payload below. Numbers have a second
// word with the value; strings point into string_buf, at 32 bits of length and the characters; brackets point at each
// other. The tape does not say where a value stood in the text, but the list of structural characters, from which the
// tape was made in the same order, does: locate() joins the two, only when raw() is wanted.
struct JsonDocument {
  explicit JsonDocument(std::size_t size_max) : text_bytes_max(size_max) {}

  [[nodiscard]] char type(std::uint32_t index) const { return static_cast<char>(parser.doc.tape[index] >> 56); }
  [[nodiscard]] std::uint64_t payload(std::uint32_t index) const {
    return parser.doc.tape[index] & ((std::uint64_t{1} << 56) - 1);
  }
  [[nodiscard]] std::uint64_t number(std::uint32_t index) const { return parser.doc.tape[index + 1]; }
  [[nodiscard]] std::string_view string(std::uint32_t index) const;
  // The index behind the value at `index`; of a bracket, behind its pair.
  [[nodiscard]] std::uint32_t after(std::uint32_t index) const;

  simdjson::error_code reserve(std::size_t size);
  simdjson::error_code read(const char* source);
  simdjson::error_code read_deep(const char* source);
  [[nodiscard]] bool is_too_deep() const;
  void release();
  const char* padded(std::string_view source);
  void locate();
  [[nodiscard]] std::string_view raw(std::uint32_t index);

  simdjson::dom::parser parser;
  std::string copy;
  std::string_view text;
  std::vector<std::uint32_t> structurals;  // by tape index: which structural character the value begins with
  bool located = false;
  std::size_t text_bytes_max;
};

std::string_view JsonDocument::string(std::uint32_t index) const {
  const std::uint8_t* start = parser.doc.string_buf.get() + payload(index);
  std::uint32_t size;
  std::memcpy(&size, start, sizeof size);
  return {reinterpret_cast<const char*>(start) + sizeof size, size};
}

std::uint32_t JsonDocument::after(std::uint32_t index) const {
  switch (type(index)) {
    case '{':
    case '[':
      return static_cast<std::uint32_t>(payload(index));
    case 'l':
    case 'u':
    case 'd':
      return index + 2;
    default:
      return index + 1;
  }
}

simdjson::error_code JsonDocument::reserve(std::size_t size) {
  if (parser.capacity() > kKeptTextBytes && size <= kKeptTextBytes) release();
  if (parser.capacity() >= size && parser.capacity() != 0) return simdjson::SUCCESS;
  const std::size_t capacity = std::max(std::bit_ceil(size), kSmallestCapacity);
  const auto error = parser.allocate(capacity, kJsonDepthMax);
  return error != simdjson::SUCCESS ? error : parser.doc.allocate(capacity);
}

// simdjson does not count an empty innermost array or object. With the limit of reserve() it takes no text that is too
// deep, and refuses those of exactly kJsonDepthMax levels with something in the innermost.
simdjson::error_code JsonDocument::read(const char* source) {
  const auto error = parser.parse(source, text.size(), false).error();
  return error == simdjson::DEPTH_ERROR ? read_deep(source) : error;
}

// Once more with a limit that refuses too little, and the levels counted.
simdjson::error_code JsonDocument::read_deep(const char* source) {
  auto error = parser.allocate(parser.capacity(), kJsonDepthMax + 1);
  if (error != simdjson::SUCCESS) return error;
  error = parser.parse(source, text.size(), false).error();
  const auto restored = parser.allocate(parser.capacity(), kJsonDepthMax);
  if (error != simdjson::SUCCESS) return error;
  return is_too_deep() ? simdjson::DEPTH_ERROR : restored;
}

bool JsonDocument::is_too_deep() const {
  const std::uint32_t end = after(1);
  std::size_t depth = 0;
  for (std::uint32_t index = 1; index < end;) {
    const char kind = type(index);
    const bool opens = kind == '{' || kind == '[';
    if (opens && ++depth > kJsonDepthMax) return true;
    if (kind == '}' || kind == ']') --depth;
    index = opens ? index + 1 : after(index);
  }
  return false;
}

void JsonDocument::release() {
  parser = simdjson::dom::parser{};
  core::release_memory(structurals);
  core::release_memory(copy);
}

const char* JsonDocument::padded(std::string_view source) {
  if (copy.size() < source.size() + kJsonPaddingBytes) copy.resize(parser.capacity() + kJsonPaddingBytes);
  std::memcpy(copy.data(), source.data(), source.size());
  return copy.data();
}

void JsonDocument::locate() {
  const std::uint32_t* position = parser.implementation->structural_indexes.get();
  const std::uint32_t count = parser.implementation->n_structural_indexes;
  std::uint32_t index = 1;  // the word before is the root's
  structurals.resize(std::max<std::size_t>(structurals.size(), payload(0)));
  for (std::uint32_t i = 0; i < count; ++i) {
    if (text[position[i]] == ',' || text[position[i]] == ':') continue;
    structurals[index] = i;
    const bool container = type(index) == '{' || type(index) == '[';
    index = container ? index + 1 : after(index);
  }
  located = true;
}

std::string_view JsonDocument::raw(std::uint32_t index) {
  if (!located) locate();
  const std::uint32_t* position = parser.implementation->structural_indexes.get();
  const std::size_t start = position[structurals[index]];
  if (type(index) == '{' || type(index) == '[') {
    return text.substr(start, position[structurals[after(index) - 1]] + 1 - start);
  }
  const bool last = structurals[index] + 1 == parser.implementation->n_structural_indexes;
  std::size_t end = last ? text.size() : position[structurals[index] + 1];
  while (is_white_space(text[end - 1])) --end;
  return text.substr(start, end - start);
}

JsonKind JsonValue::kind() const {
  if (document_ == nullptr) return JsonKind::absent;
  switch (document_->type(index_)) {
    case '{':
      return JsonKind::object;
    case '[':
      return JsonKind::array;
    case '"':
      return JsonKind::string;
    case 't':
    case 'f':
      return JsonKind::boolean;
    case 'n':
      return JsonKind::null;
    default:
      return JsonKind::number;
  }
}

std::optional<bool> JsonValue::as_bool() const {
  if (kind() != JsonKind::boolean) return std::nullopt;
  return document_->type(index_) == 't';
}

std::optional<std::int64_t> JsonValue::as_int64() const {
  if (document_ == nullptr || document_->type(index_) != 'l') return std::nullopt;
  return static_cast<std::int64_t>(document_->number(index_));
}

std::optional<std::uint64_t> JsonValue::as_uint64() const {
  if (document_ != nullptr && document_->type(index_) == 'u') return document_->number(index_);
  const auto value = as_int64();
  if (!value || *value < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*value);
}

std::optional<double> JsonValue::as_double() const {
  if (kind() != JsonKind::number) return std::nullopt;
  const std::uint64_t bits = document_->number(index_);
  switch (document_->type(index_)) {
    case 'l':
      return static_cast<double>(static_cast<std::int64_t>(bits));
    case 'u':
      return static_cast<double>(bits);
    default:
      return std::bit_cast<double>(bits);
  }
}

std::optional<std::string_view> JsonValue::as_string() const {
  if (kind() != JsonKind::string) return std::nullopt;
  return document_->string(index_);
}

JsonValue JsonValue::find(std::string_view name) const {
  JsonValue found;
  for (const JsonMember member : members()) {
    if (member.name == name) found = member.value;
  }
  return found;
}

JsonMembers JsonValue::members() const {
  if (kind() != JsonKind::object) return {nullptr, 0, 0};
  return {document_, index_ + 1, document_->after(index_) - 1};
}

JsonElements JsonValue::elements() const {
  if (kind() != JsonKind::array) return {nullptr, 0, 0};
  return {document_, index_ + 1, document_->after(index_) - 1};
}

std::string_view JsonValue::raw() const { return document_ == nullptr ? std::string_view{} : document_->raw(index_); }

JsonMember JsonMembers::front() const { return {document_->string(index_), JsonValue{document_, index_ + 1}}; }
void JsonMembers::drop_front() { index_ = document_->after(index_ + 1); }
void JsonElements::drop_front() { index_ = document_->after(index_); }

JsonParser::JsonParser(std::size_t text_bytes_max) : document_(std::make_unique<JsonDocument>(text_bytes_max)) {}
JsonParser::JsonParser(JsonParser&&) noexcept = default;
JsonParser& JsonParser::operator=(JsonParser&&) noexcept = default;
JsonParser::~JsonParser() = default;

Result<JsonValue, JsonError> JsonParser::parse(std::string_view text, Padding padding) {
  if (text.size() > document_->text_bytes_max) return err(JsonError::too_large);
  if (text.empty()) return err(JsonError::empty);
  if (text.starts_with("\xEF\xBB\xBF")) return err(JsonError::byte_order_mark);
  if (const auto error = document_->reserve(text.size()); error != simdjson::SUCCESS) return err(error_of(error));
  document_->text = text;
  document_->located = false;
  const char* source = padding == Padding::present ? text.data() : document_->padded(text);
  if (const auto error = document_->read(source); error != simdjson::SUCCESS) return err(error_of(error));
  return JsonValue{document_.get(), 1};
}

void JsonParser::shrink() {
  if (document_->parser.capacity() > kJsonKeptBytes) document_->release();
}

}  // namespace plait::codec
