#include "ws/permessage_deflate.hpp"

#include <algorithm>
#include <vector>

#include "core/assert.hpp"
#include "ws/extensions.hpp"

namespace plait::ws {
namespace {

constexpr std::string_view kExtensionName = "permessage-deflate";
constexpr std::string_view kServerNoContextTakeover = "server_no_context_takeover";
constexpr std::string_view kClientNoContextTakeover = "client_no_context_takeover";
constexpr std::string_view kServerMaxWindowBits = "server_max_window_bits";
constexpr std::string_view kClientMaxWindowBits = "client_max_window_bits";
constexpr int kWindowBitsMin = 8;
constexpr int kWindowBitsMax = 15;
constexpr int kZlibWindowBitsMin = 9;  // raw DEFLATE

// The parameters of one offer or response, as they were written.
struct Written {
  bool server_no_context_takeover = false;
  bool client_no_context_takeover = false;
  std::optional<int> server_max_window_bits;
  bool client_max_window_bits_named = false;
  std::optional<int> client_max_window_bits;
};

// RFC 7692 §7.1.2: 8 to 15 in decimal without leading zeros.
std::optional<int> parse_window_bits(const std::string& text) {
  for (int bits = kWindowBitsMin; bits <= kWindowBitsMax; ++bits) {
    if (text == std::to_string(bits)) return bits;
  }
  return std::nullopt;
}

bool read_flag(const ExtensionParameter& parameter, bool& flag) {
  if (flag || parameter.value) return false;
  flag = true;
  return true;
}

bool read_server_bits(const ExtensionParameter& parameter, Written& written) {
  if (written.server_max_window_bits || !parameter.value) return false;
  written.server_max_window_bits = parse_window_bits(*parameter.value);
  return written.server_max_window_bits.has_value();
}

bool read_client_bits(const ExtensionParameter& parameter, Written& written) {
  if (written.client_max_window_bits_named) return false;
  written.client_max_window_bits_named = true;
  if (!parameter.value) return true;
  written.client_max_window_bits = parse_window_bits(*parameter.value);
  return written.client_max_window_bits.has_value();
}

bool read_parameter(const ExtensionParameter& parameter, Written& written) {
  if (parameter.name == kServerNoContextTakeover) return read_flag(parameter, written.server_no_context_takeover);
  if (parameter.name == kClientNoContextTakeover) return read_flag(parameter, written.client_no_context_takeover);
  if (parameter.name == kServerMaxWindowBits) return read_server_bits(parameter, written);
  if (parameter.name == kClientMaxWindowBits) return read_client_bits(parameter, written);
  return false;
}

// nullopt: unknown, repeated or malformed parameters (RFC 7692 §7.1).
std::optional<Written> read_parameters(const Extension& extension) {
  Written written;
  for (const ExtensionParameter& parameter : extension.parameters) {
    if (!read_parameter(parameter, written)) return std::nullopt;
  }
  return written;
}

std::string encode(const Written& written) {
  std::string text{kExtensionName};
  const auto add = [&text](std::string_view name, std::optional<int> value = std::nullopt) {
    text.append("; ").append(name);
    if (value) text.append("=").append(std::to_string(*value));
  };
  if (written.server_no_context_takeover) add(kServerNoContextTakeover);
  if (written.client_no_context_takeover) add(kClientNoContextTakeover);
  if (written.server_max_window_bits) add(kServerMaxWindowBits, written.server_max_window_bits);
  if (written.client_max_window_bits_named) add(kClientMaxWindowBits, written.client_max_window_bits);
  return text;
}

std::optional<int> unless_default(int window_bits) {
  return window_bits == kWindowBitsMax ? std::nullopt : std::optional{window_bits};
}

DeflateAgreement accept_offer(const Written& offer, const DeflateParameters& wanted) {
  DeflateAgreement agreement;
  DeflateParameters& agreed = agreement.parameters;
  agreed.server_context_takeover = wanted.server_context_takeover && !offer.server_no_context_takeover;
  agreed.client_context_takeover = wanted.client_context_takeover && !offer.client_no_context_takeover;
  agreed.server_window_bits =
      std::min(wanted.server_window_bits, offer.server_max_window_bits.value_or(kWindowBitsMax));
  if (offer.client_max_window_bits_named) {
    agreed.client_window_bits =
        std::min(wanted.client_window_bits, offer.client_max_window_bits.value_or(kWindowBitsMax));
  }
  Written response;
  response.server_no_context_takeover = !agreed.server_context_takeover;
  response.client_no_context_takeover = !agreed.client_context_takeover;
  response.server_max_window_bits = unless_default(agreed.server_window_bits);
  if (offer.server_max_window_bits) response.server_max_window_bits = agreed.server_window_bits;  // §7.1.2.1
  response.client_max_window_bits = unless_default(agreed.client_window_bits);
  response.client_max_window_bits_named = response.client_max_window_bits.has_value();
  agreement.response = encode(response);
  return agreement;
}

Result<std::vector<Extension>, HandshakeError> parse_all(std::span<const std::string_view> field_values) {
  std::vector<Extension> extensions;
  for (std::string_view value : field_values) {
    if (!parse_extensions(value, extensions)) return err(HandshakeError::invalid_extensions);
  }
  return extensions;
}

// Whether the server kept to what the client asked for (RFC 7692 §7.1.1.1, §7.1.2).
bool response_fits(const Written& response, const DeflateParameters& offered) {
  if (!offered.server_context_takeover && !response.server_no_context_takeover) return false;
  if (offered.server_window_bits < kWindowBitsMax && !response.server_max_window_bits) return false;
  if (response.server_max_window_bits.value_or(kWindowBitsMin) > offered.server_window_bits) return false;
  if (response.client_max_window_bits_named && !response.client_max_window_bits) return false;
  return response.client_max_window_bits.value_or(kWindowBitsMin) <= offered.client_window_bits;
}

void assert_possible(const DeflateParameters& wanted) {
  const auto possible = [](int bits) { return bits >= kZlibWindowBitsMin && bits <= kWindowBitsMax; };
  PLAIT_ASSERT(possible(wanted.server_window_bits) && possible(wanted.client_window_bits), "window bits are 9 to 15");
}

}  // namespace

Result<std::optional<DeflateAgreement>, HandshakeError> negotiate_deflate(
    std::span<const std::string_view> field_values, const DeflateParameters& wanted) {
  assert_possible(wanted);
  const auto offers = parse_all(field_values);
  if (!offers) return err(offers.error());
  for (const Extension& extension : *offers) {
    if (extension.name != kExtensionName) continue;
    const auto offer = read_parameters(extension);
    if (!offer || offer->server_max_window_bits.value_or(kWindowBitsMax) < kZlibWindowBitsMin) continue;
    return std::optional{accept_offer(*offer, wanted)};
  }
  return std::optional<DeflateAgreement>{};
}

std::string encode_deflate_offer(const DeflateParameters& wanted) {
  assert_possible(wanted);
  Written offer;
  offer.server_no_context_takeover = !wanted.server_context_takeover;
  offer.client_no_context_takeover = !wanted.client_context_takeover;
  offer.server_max_window_bits = unless_default(wanted.server_window_bits);
  offer.client_max_window_bits_named = true;
  offer.client_max_window_bits = unless_default(wanted.client_window_bits);
  return encode(offer);
}

Result<std::optional<DeflateParameters>, HandshakeError> check_deflate_response(
    std::span<const std::string_view> field_values, const DeflateParameters* offered) {
  const auto extensions = parse_all(field_values);
  if (!extensions) return err(extensions.error());
  if (extensions->empty()) return std::optional<DeflateParameters>{};
  const Extension& extension = extensions->front();
  if (offered == nullptr || extensions->size() > 1 || extension.name != kExtensionName) {
    return err(HandshakeError::unexpected_extension);
  }
  const auto response = read_parameters(extension);
  if (!response || !response_fits(*response, *offered)) return err(HandshakeError::invalid_deflate_response);
  DeflateParameters agreed;
  agreed.server_context_takeover = !response->server_no_context_takeover;
  agreed.client_context_takeover = offered->client_context_takeover && !response->client_no_context_takeover;
  agreed.server_window_bits = response->server_max_window_bits.value_or(kWindowBitsMax);
  agreed.client_window_bits = response->client_max_window_bits.value_or(offered->client_window_bits);
  return std::optional{agreed};
}

std::optional<codec::Deflater::Options> deflater_options(const DeflateParameters& agreed, Role role) {
  const bool server = role == Role::server;
  codec::Deflater::Options options;
  options.window_bits = server ? agreed.server_window_bits : agreed.client_window_bits;
  options.context_takeover = server ? agreed.server_context_takeover : agreed.client_context_takeover;
  if (options.window_bits < kZlibWindowBitsMin) return std::nullopt;
  return options;
}

codec::Inflater::Options inflater_options(const DeflateParameters& agreed, Role role, std::size_t ratio_max) {
  const bool server = role == Role::server;
  codec::Inflater::Options options;
  // A larger window than agreed inflates the same; peers on zlib send 9-bit windows where 8 bits were agreed.
  options.window_bits = std::max(server ? agreed.client_window_bits : agreed.server_window_bits, kZlibWindowBitsMin);
  options.context_takeover = server ? agreed.client_context_takeover : agreed.server_context_takeover;
  options.ratio_max = ratio_max;
  return options;
}

}  // namespace plait::ws
