// Table: rows of text cells, written for a terminal, as Markdown, or as HTML.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace plait::bench {

struct Table {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;  ///< each as long as the header
  std::size_t left_columns = 1;                ///< the first so many are aligned left, the rest right

  /// Columns padded to their widest cell, two spaces apart; `indent` spaces before each line.
  [[nodiscard]] std::string text(std::size_t indent = 0) const;
  [[nodiscard]] std::string markdown() const;
  [[nodiscard]] std::string html() const;
};

/// Three significant digits with k, M or G: 12.7M, 845, 0.0413. Zero is "0".
[[nodiscard]] std::string human(double value);
/// "median [low–high]" in human(), or "–" for no values.
[[nodiscard]] std::string human_range(double median, double low, double high, std::size_t count);
[[nodiscard]] std::string escape_html(std::string_view text);

}  // namespace plait::bench
