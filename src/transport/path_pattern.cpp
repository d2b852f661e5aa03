#include "transport/path_pattern.hpp"

#include <algorithm>
#include <array>

#include "http/grammar.hpp"
#include "http/uri.hpp"

namespace plait::transport {
namespace {

bool is_name(std::string_view text) {
  const auto fits = [](char c) {
    const int lower_case = c | 0x20;
    return http::is_digit(c) || c == '_' || (lower_case >= 'a' && lower_case <= 'z');
  };
  return !text.empty() && !http::is_digit(text.front()) && std::ranges::all_of(text, fits);
}

}  // namespace

Result<PathPattern, Error> PathPattern::parse(std::string_view text) {
  PathPattern pattern;
  if (!text.starts_with('/')) return err(Error{"it does not begin with \"/\""});
  if (text.find_first_of("{}") == std::string_view::npos) {
    pattern.kind_ = text.ends_with('*') ? Kind::prefix : Kind::exact;
    pattern.key_ = text;
    return pattern;
  }
  pattern.kind_ = Kind::named;
  for (bool is_last = false; !is_last;) {
    text.remove_prefix(1);
    const std::string_view segment_text = text.substr(0, text.find('/'));
    text.remove_prefix(segment_text.size());
    is_last = text.empty();
    auto segment = parse_segment(segment_text, is_last);
    if (!segment) return err(segment.error());
    if (auto added = pattern.add(std::move(*segment)); !added) return err(added.error());
  }
  return pattern;
}

Result<PathPattern::Segment, Error> PathPattern::parse_segment(std::string_view text, bool is_last) {
  if (is_last && text == "*") return Segment{Segment::Kind::rest, {}};
  if (text.find_first_of("{}*") == std::string_view::npos) return Segment{Segment::Kind::literal, std::string{text}};
  const std::string segment = "\"" + std::string{text} + "\" in it ";
  if (!text.starts_with('{') || !text.ends_with('}')) {
    return err(Error{segment + "is neither a name nor plain: {name} takes a whole segment between two \"/\""});
  }
  std::string_view name = text.substr(1, text.size() - 2);
  const bool rest = name.ends_with(":*");
  if (rest) name.remove_suffix(2);
  if (!is_name(name)) return err(Error{segment + "has no name of letters, digits and \"_\", the first no digit"});
  if (rest && !is_last) return err(Error{segment + "stands for the rest of the path: it must be the last"});
  return Segment{rest ? Segment::Kind::rest : Segment::Kind::one, std::string{name}};
}

Result<void, Error> PathPattern::add(Segment segment) {
  const bool literal = segment.kind == Segment::Kind::literal;
  key_ += literal ? "/" + segment.text : segment.kind == Segment::Kind::one ? "/{}" : "/{*}";
  const auto same = [&segment](const Segment& other) {
    return other.kind != Segment::Kind::literal && other.text == segment.text;
  };
  if (!literal && std::ranges::any_of(segments_, same))
    return err(Error{"it has the name {" + segment.text + "} twice"});
  segments_.push_back(std::move(segment));
  const auto names =
      std::ranges::count_if(segments_, [](const Segment& other) { return other.kind != Segment::Kind::literal; });
  if (names <= static_cast<std::ptrdiff_t>(kParametersMax)) return {};
  return err(Error{"it has more than " + std::to_string(kParametersMax) + " names"});
}

bool PathPattern::match(std::string_view path, PathParameters& parameters) const {
  parameters.clear();
  if (kind_ == Kind::exact) return path == key_;
  if (kind_ == Kind::prefix) return path.starts_with(std::string_view{key_}.substr(0, prefix_bytes()));
  std::array<std::string_view, kParametersMax> values;
  std::size_t count = 0;
  for (const Segment& segment : segments_) {
    if (!path.starts_with('/')) return false;
    path.remove_prefix(1);
    const std::string_view value = segment.kind == Segment::Kind::rest ? path : path.substr(0, path.find('/'));
    path.remove_prefix(value.size());
    if (segment.kind == Segment::Kind::literal) {
      if (value != segment.text) return false;
      continue;
    }
    if (segment.kind == Segment::Kind::one && value.empty()) return false;
    values[count++] = value;
  }
  if (!path.empty()) return false;
  count = 0;
  for (const Segment& segment : segments_) {
    if (segment.kind == Segment::Kind::literal) continue;
    auto decoded = http::percent_decode(values[count++]);
    if (!decoded) return false;
    if (!segment.text.empty()) parameters.emplace_back(segment.text, std::move(*decoded));
  }
  return true;
}

}  // namespace plait::transport
