#include "client/token.hpp"

#include <algorithm>

#include "crypto/file.hpp"

namespace plait::client {
namespace {

constexpr std::string_view kWhiteSpace = " \t\r\n";

std::string_view trim(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kWhiteSpace), text.size()));
  return text.substr(0, text.find_last_not_of(kWhiteSpace) + 1);
}

}  // namespace

Result<std::string, Error> read_token(const std::filesystem::path& file) {
  const auto text = crypto::read_file(file);
  if (!text) return err(text.error());
  const std::string_view words = trim(*text);
  if (words.empty()) return err(Error{file.string() + " is empty"});
  auto token = trim_token(words.substr(0, words.find_first_of(kWhiteSpace)));
  if (!token) return err(Error{file.string() + ": " + token.error().message});
  return token;
}

Result<std::string, Error> trim_token(std::string_view text) {
  const std::string_view token = trim(text);
  const bool is_word =
      std::ranges::all_of(token, [](char c) { return c != ' ' && c != '\x7F' && (c < 0 || c > '\x1F'); });
  if (!is_word) return err(Error{"no access token has a blank, a line end or a control character in it"});
  return std::string{token};
}

}  // namespace plait::client
