// spec/vectors/*.json for tests.
#pragma once

#include <plait/bytes.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "codec/json.hpp"

namespace plait::test {

/// spec/vectors/<name>, parsed. Ends the process when it cannot be read: then no test says anything.
class VectorFile {
 public:
  explicit VectorFile(std::string_view name);
  /// An array of the file's root. Ends the process, too, if there is none or it is empty.
  [[nodiscard]] codec::JsonElements array(std::string_view member) const;

 private:
  std::string text_;
  codec::JsonParser parser_;
  codec::JsonValue root_;
};

std::vector<std::uint8_t> from_hex(std::string_view hex);
std::string to_hex(ByteView bytes);

/// A member that must be a string.
std::string_view string_member(codec::JsonValue object, std::string_view name);

}  // namespace plait::test
