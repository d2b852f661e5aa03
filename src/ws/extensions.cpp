#include "ws/extensions.hpp"

#include <algorithm>

#include "http/grammar.hpp"

namespace plait::ws {
namespace {

// Reads tokens and delimiters from the front of a field's value.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  [[nodiscard]] bool at_end() {
    skip_white_space();
    return rest_.empty();
  }

  bool take(char c) {
    skip_white_space();
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  // Empty if there is none.
  std::string_view take_token() {
    skip_white_space();
    const auto end =
        std::find_if_not(rest_.begin(), rest_.end(), [](char c) { return http::in_class(c, http::CharClass::token); });
    const std::string_view token = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
    rest_.remove_prefix(token.size());
    return token;
  }

  // After the opening quote; what the string holds must be a token (RFC 6455 §9.1).
  std::optional<std::string> take_quoted() {
    std::string text;
    while (!rest_.empty()) {
      char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') return http::is_token(text) ? std::optional{text} : std::nullopt;
      if (c == '\\') {
        if (rest_.empty()) return std::nullopt;
        c = rest_.front();
        rest_.remove_prefix(1);
      }
      text += c;
    }
    return std::nullopt;
  }

 private:
  void skip_white_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size())); }

  std::string_view rest_;
};

std::optional<ExtensionParameter> take_parameter(Reader& reader) {
  ExtensionParameter parameter{.name = reader.take_token(), .value = std::nullopt};
  if (parameter.name.empty()) return std::nullopt;
  if (!reader.take('=')) return parameter;
  parameter.value = reader.take('"') ? reader.take_quoted() : std::string{reader.take_token()};
  if (!parameter.value || parameter.value->empty()) return std::nullopt;
  return parameter;
}

std::optional<Extension> take_extension(Reader& reader) {
  Extension extension{.name = reader.take_token(), .parameters = {}};
  if (extension.name.empty()) return std::nullopt;
  while (reader.take(';')) {
    auto parameter = take_parameter(reader);
    if (!parameter) return std::nullopt;
    extension.parameters.push_back(std::move(*parameter));
  }
  return extension;
}

}  // namespace

bool parse_extensions(std::string_view value, std::vector<Extension>& extensions) {
  Reader reader{value};
  while (!reader.at_end()) {
    if (reader.take(',')) continue;
    auto extension = take_extension(reader);
    if (!extension) return false;
    extensions.push_back(std::move(*extension));
    if (!reader.at_end() && !reader.take(',')) return false;
  }
  return true;
}

}  // namespace plait::ws
