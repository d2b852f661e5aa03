// HeadWriter: writes a head into one reserved stretch of a sink.
#pragma once

#include <plait/result.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/byte_sink.hpp"
#include "http/error.hpp"
#include "http/fields.hpp"

namespace plait::http {

/// Refuses what would end a line early or change the framing: bad_field_name, bad_field_value, framing_field_given.
[[nodiscard]] Result<void, Error> check_fields(std::span<const Field> fields);

class HeadWriter {
 public:
  /// Reserves room for `fields` and `other_bytes` more; writing beyond it is a programmer error.
  HeadWriter(core::ByteSink& sink, std::span<const Field> fields, std::size_t other_bytes);

  void write(std::string_view text);
  void write_number(std::uint64_t number);
  void write_field(std::string_view name, std::string_view value);
  void write_length(std::uint64_t length);
  /// The empty line; commits the head to the sink.
  void finish();

 private:
  core::ByteSink& sink_;
  MutableByteView room_;
  std::size_t written_ = 0;
};

}  // namespace plait::http
