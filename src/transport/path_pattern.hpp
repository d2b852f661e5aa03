// PathPattern: which paths a route stands for, and what their named segments hold.
#pragma once

#include <plait/result.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace plait::transport {

/// Name, a view into the pattern; value, percent-decoded.
using PathParameters = std::vector<std::pair<std::string_view, std::string>>;

/// "/exact", "/with/{one}/{segment}", "/with/{the_rest:*}", "/prefix*"; see Server::listen.
class PathPattern {
 public:
  static constexpr std::size_t kParametersMax = 16;

  enum class Kind : std::uint8_t { exact, named, prefix };

  /// Errors say what is wrong with `text` and what to write.
  static Result<PathPattern, Error> parse(std::string_view text);

  [[nodiscard]] Kind kind() const { return kind_; }
  /// Equal for patterns that match the same paths: without names.
  [[nodiscard]] const std::string& key() const { return key_; }
  /// How much of a path is compared: the more, the better a prefix fits.
  [[nodiscard]] std::size_t prefix_bytes() const { return key_.size() - 1; }

  /// Whether all of `path` (which is not decoded) matches; sets `parameters` then. A named segment that is empty, or
  /// not well encoded, does not match. One pass over the path.
  bool match(std::string_view path, PathParameters& parameters) const;

 private:
  struct Segment {
    enum class Kind : std::uint8_t { literal, one, rest };
    Kind kind = Kind::literal;
    std::string text;  // or the name; a rest may have none
  };

  PathPattern() = default;
  static Result<Segment, Error> parse_segment(std::string_view text, bool is_last);
  Result<void, Error> add(Segment segment);

  Kind kind_ = Kind::exact;
  std::string key_;
  std::vector<Segment> segments_;  // of a named one
};

}  // namespace plait::transport
