#include "client/certificate_hash.hpp"

#include <algorithm>
#include <charconv>
#include <string>

#include "codec/base64.hpp"

namespace plait::client {
namespace {

std::optional<CertificateHash> parse_hexadecimal(std::string_view text) {
  std::string digits{text};
  std::erase(digits, ':');
  CertificateHash hash{};
  if (digits.size() != 2 * hash.size()) return std::nullopt;
  for (std::size_t i = 0; i < hash.size(); ++i) {
    const char* const first = digits.data() + 2 * i;
    const auto [end, error] = std::from_chars(first, first + 2, hash[i], 16);
    if (error != std::errc{} || end != first + 2) return std::nullopt;
  }
  return hash;
}

}  // namespace

std::optional<CertificateHash> parse_certificate_hash(std::string_view text) {
  if (const auto hash = parse_hexadecimal(text)) return hash;
  const auto decoded = codec::decode_base64(text);
  CertificateHash hash{};
  if (!decoded || decoded->size() != hash.size()) return std::nullopt;
  std::ranges::copy(*decoded, hash.begin());
  return hash;
}

}  // namespace plait::client
