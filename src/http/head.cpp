#include "http/head.hpp"

#include <algorithm>

#include "http/grammar.hpp"

namespace plait::http {
namespace {

std::size_t find_line_feed(std::string_view input, std::size_t from) {
  return std::min(input.find('\n', from), input.size());
}

// Where the start line's LF is; input.size() if it has not come yet.
Result<std::size_t, Error> find_start_line_end(std::string_view input, std::size_t start, const Limits& limits) {
  const std::size_t line_feed = find_line_feed(input, start);
  if (line_feed - start > limits.request_line_bytes_max + 1) return err(Error::request_line_too_long);
  if (line_feed == input.size()) return line_feed;
  if (line_feed == start || input[line_feed - 1] != '\r') return err(Error::bare_line_feed);
  if (line_feed == start + 1) return err(Error::empty_lines_before_start);
  return line_feed;
}

// Where the empty line begins that ends the section; npos if it has not come yet.
Result<std::size_t, Error> find_section_end(std::string_view input, std::size_t section, std::size_t scanned,
                                            const Limits& limits) {
  std::size_t line_feed = find_line_feed(input, std::max(scanned, section));
  for (; line_feed < input.size(); line_feed = find_line_feed(input, line_feed + 1)) {
    const bool after_cr = input[line_feed - 1] == '\r';
    if (after_cr && input[line_feed - 2] == '\n') return line_feed - 1;
    if (line_feed + 1 - section > limits.header_bytes_max) return err(Error::header_too_large);
    if (!after_cr) return err(Error::bare_line_feed);
  }
  // One byte more than the maximum may be the CR of the empty line.
  if (input.size() - section > limits.header_bytes_max + 1) return err(Error::header_too_large);
  return std::string_view::npos;
}

Result<void, Error> check_value(std::string_view value) {
  const auto bad = std::find_if(value.begin(), value.end(), [](char c) { return !in_class(c, kFieldValueChar); });
  if (bad == value.end()) return {};
  return err(*bad == '\r' ? Error::bare_carriage_return : Error::bad_field_value);
}

Error why_no_name(std::string_view line, std::size_t name_size) {
  const std::size_t next = line.find_first_not_of(" \t", name_size);
  if (name_size > 0 && next > name_size && next < line.size() && line[next] == ':') {
    return Error::whitespace_before_colon;
  }
  return line.find(':') == std::string_view::npos ? Error::missing_colon : Error::bad_field_name;
}

Result<void, Error> parse_field_line(std::string_view line, Fields& fields) {
  const auto name_end = std::find_if(line.begin(), line.end(), [](char c) { return !in_class(c, kTokenChar); });
  const auto name_size = static_cast<std::size_t>(name_end - line.begin());
  if (name_size == 0 || name_end == line.end() || *name_end != ':') return err(why_no_name(line, name_size));
  const std::string_view value = trim_whitespace(line.substr(name_size + 1));
  if (auto checked = check_value(value); !checked) return checked;
  fields.add(line.substr(0, name_size), value);
  return {};
}

}  // namespace

Result<std::optional<HeadParts>, Error> find_head(std::string_view input, std::size_t& scanned, const Limits& limits) {
  const std::size_t start = input.starts_with("\r\n") ? 2 : 0;
  const auto line_feed = find_start_line_end(input, start, limits);
  if (!line_feed) return err(line_feed.error());
  if (*line_feed == input.size()) return std::optional<HeadParts>{};
  const std::size_t section = *line_feed + 1;
  const auto end = find_section_end(input, section, scanned, limits);
  if (!end) return err(end.error());
  if (*end == std::string_view::npos) {
    scanned = input.size();
    return std::optional<HeadParts>{};
  }
  return std::optional<HeadParts>{HeadParts{.start_line = input.substr(start, *line_feed - 1 - start),
                                            .field_section = input.substr(section, *end - section),
                                            .after_empty_line = start > 0,
                                            .head_bytes = *end + 2}};
}

Result<void, Error> parse_fields(std::string_view section, const Limits& limits, Fields& fields) {
  constexpr std::size_t kUsualCount = 16;
  fields.reserve(std::min(kUsualCount, limits.header_count_max));
  if (!section.empty() && is_whitespace(section.front())) return err(Error::whitespace_before_first_field);
  while (!section.empty()) {
    if (fields.size() >= limits.header_count_max) return err(Error::too_many_fields);
    if (is_whitespace(section.front())) return err(Error::obs_fold);
    const std::string_view line = take_until(section, '\n');
    if (auto parsed = parse_field_line(line.substr(0, line.size() - 1), fields); !parsed) return parsed;
  }
  return {};
}

Result<int, Error> parse_version(std::string_view text) {
  constexpr std::string_view kName = "HTTP/";
  if (text.size() != kName.size() + 3 || !text.starts_with(kName)) return err(Error::bad_version);
  if (!is_digit(text[5]) || text[6] != '.' || !is_digit(text[7])) return err(Error::bad_version);
  if (text[5] != '1') return err(Error::unsupported_version);
  return text[7] - '0';
}

bool is_persistent(const Fields& fields, int minor_version) {
  if (fields.has_token("Connection", "close")) return false;
  return minor_version >= 1 || fields.has_token("Connection", "keep-alive");
}

}  // namespace plait::http
