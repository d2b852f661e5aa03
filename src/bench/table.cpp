#include "bench/table.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace plait::bench {

namespace {

/// Characters, not bytes: continuation bytes of UTF-8 take no column.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string escape_markdown(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

std::string Table::text(std::size_t indent) const {
  std::vector<std::size_t> widths;
  for (const std::string& cell : header) widths.push_back(width(cell));
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  std::string out;
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string text(indent, ' ');
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string padding(widths[i] - width(cells[i]), ' ');
      const bool left = i < left_columns;
      text.append(left ? cells[i] : padding).append(left ? padding : cells[i]).append(2, ' ');
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out.append(text).append(1, '\n');
  };
  line(header);
  for (const auto& row : rows) line(row);
  return out;
}

std::string Table::markdown() const {
  std::string out;
  const auto line = [&out](const std::vector<std::string>& cells) {
    out += "|";
    for (const std::string& cell : cells) out += fmt::format(" {} |", escape_markdown(cell));
    out += "\n";
  };
  line(header);
  out += "|";
  for (std::size_t i = 0; i < header.size(); ++i) out += i < left_columns ? ":--|" : "--:|";
  out += "\n";
  for (const auto& row : rows) line(row);
  return out;
}

std::string Table::html() const {
  std::string out = "<table>\n";
  const auto line = [&](const std::vector<std::string>& cells, std::string_view tag) {
    out += "<tr>";
    for (std::size_t i = 0; i < cells.size(); ++i) {
      out += fmt::format("<{0}{1}>{2}</{0}>", tag, i < left_columns ? " class=\"left\"" : "", escape_html(cells[i]));
    }
    out += "</tr>\n";
  };
  line(header, "th");
  for (const auto& row : rows) line(row, "td");
  return out + "</table>\n";
}

std::string human(double value) {
  if (value == 0 || !std::isfinite(value)) return value == 0 ? "0" : "–";
  const double size = std::abs(value);
  double scale = 1;
  const char* suffix = "";
  if (size >= 999.5e6) {
    scale = 1e9;
    suffix = "G";
  } else if (size >= 999.5e3) {
    scale = 1e6;
    suffix = "M";
  } else if (size >= 9995) {
    scale = 1e3;
    suffix = "k";
  }
  const double shown = value / scale;
  // 9.996 will be shown as 10.0: count the digits that rounding leaves.
  const int digits_before = static_cast<int>(std::floor(std::log10(std::abs(shown) * 1.0005))) + 1;
  return fmt::format("{:.{}f}{}", shown, std::clamp(3 - digits_before, 0, 5), suffix);
}

std::string human_range(double median, double low, double high, std::size_t count) {
  if (count == 0) return "–";
  return count == 1 ? human(median) : fmt::format("{} [{}–{}]", human(median), human(low), human(high));
}

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace plait::bench
