#include "http/head_writer.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/assert.hpp"
#include "http/grammar.hpp"

namespace plait::http {
namespace {

constexpr std::size_t kFieldOverhead = 4;  // ": " and CRLF
constexpr std::size_t kNumberDigits = 20;

}  // namespace

Result<void, Error> check_fields(std::span<const Field> fields) {
  constexpr std::array<std::string_view, 3> kWrittenByEncoder{"Content-Length", "Transfer-Encoding", "Host"};
  for (const Field& field : fields) {
    if (!is_token(field.name)) return err(Error::bad_field_name);
    if (!all_in_class(field.value, kFieldValueChar)) return err(Error::bad_field_value);
    for (const std::string_view name : kWrittenByEncoder) {
      if (equals_ignoring_case(field.name, name)) return err(Error::framing_field_given);
    }
  }
  return {};
}

HeadWriter::HeadWriter(core::ByteSink& sink, std::span<const Field> fields, std::size_t other_bytes) : sink_(sink) {
  std::size_t size = other_bytes;
  for (const Field& field : fields) size += field.name.size() + field.value.size() + kFieldOverhead;
  room_ = sink.reserve(size);
}

void HeadWriter::write(std::string_view text) {
  PLAIT_ASSERT(text.size() <= room_.size() - written_, "the head is larger than was reserved");
  std::copy(text.begin(), text.end(), room_.begin() + static_cast<std::ptrdiff_t>(written_));
  written_ += text.size();
}

void HeadWriter::write_number(std::uint64_t number) {
  std::array<char, kNumberDigits> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  write({digits.data(), static_cast<std::size_t>(end - digits.data())});
}

void HeadWriter::write_field(std::string_view name, std::string_view value) {
  write(name);
  write(": ");
  write(value);
  write("\r\n");
}

void HeadWriter::write_length(std::uint64_t length) {
  write("Content-Length: ");
  write_number(length);
  write("\r\n");
}

void HeadWriter::finish() {
  write("\r\n");
  sink_.commit(written_);
}

}  // namespace plait::http
