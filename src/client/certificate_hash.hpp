// ConnectOptions::certificate_hashes as a person writes them.
#pragma once

#include <plait/client.hpp>

#include <optional>
#include <string_view>

namespace plait::client {

/// 64 hexadecimal digits, with or without colons between the bytes, or Base64. None: neither.
[[nodiscard]] std::optional<CertificateHash> parse_certificate_hash(std::string_view text);

}  // namespace plait::client
