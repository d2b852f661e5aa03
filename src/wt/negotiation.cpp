#include "wt/negotiation.hpp"

#include <algorithm>

#include "http/grammar.hpp"

namespace plait::wt {
namespace {

bool has_initial_limit(const h3::WebTransportSettings& settings) {
  return settings.initial_data != 0 || settings.initial_streams_uni != 0 || settings.initial_streams_bidi != 0;
}

// sf-string (RFC 9651 §4.2.5), after its first quotation mark.
std::optional<std::string> take_string(std::string_view& text) {
  std::string string;
  while (!text.empty()) {
    const char c = text.front();
    text.remove_prefix(1);
    if (c == '"') return string;
    if (c < 0x20 || c > 0x7E) return std::nullopt;
    if (c != '\\') {
      string += c;
      continue;
    }
    if (text.empty() || (text.front() != '"' && text.front() != '\\')) return std::nullopt;
    string += text.front();
    text.remove_prefix(1);
  }
  return std::nullopt;
}

// A string, or what has the characters of sf-token (§4.2.6) whatever it begins with: old drafts had tokens.
std::optional<std::string> take_string_or_token(std::string_view& text) {
  if (!text.empty() && text.front() == '"') {
    text.remove_prefix(1);
    return take_string(text);
  }
  const auto end = std::find_if_not(text.begin(), text.end(), [](char c) {
    return c == ':' || c == '/' || http::in_class(c, http::CharClass::token);
  });
  const auto size = static_cast<std::size_t>(end - text.begin());
  if (size == 0) return std::nullopt;
  std::string token{text.substr(0, size)};
  text.remove_prefix(size);
  return token;
}

// Up to the comma that ends the member, over strings that may have one in them. False: a string without an end.
bool skip_parameters(std::string_view& text) {
  text = http::trim_whitespace(text);
  if (!text.empty() && text.front() != ';' && text.front() != ',') return false;
  while (!text.empty() && text.front() != ',') {
    const bool quoted = text.front() == '"';
    text.remove_prefix(1);
    if (quoted && !take_string(text)) return false;
  }
  return true;
}

}  // namespace

bool is_capable(const h3::Settings& peer) {
  return peer.extended_connect && peer.takes_datagrams() && peer.webtransport.enabled();
}

ConnectDialect connect_dialect(const h3::Settings& peer) {
  const h3::WebTransportSettings& settings = peer.webtransport;
  if (settings.draft15 != 0) return {.protocol = kProtocolDraft15};
  const bool newer = settings.sessions_max_draft07 != 0 || settings.sessions_max_draft13 != 0;
  return {.protocol = kProtocol, .draft02_field = !newer};
}

bool is_connect_protocol(std::string_view protocol) { return protocol == kProtocol || protocol == kProtocolDraft15; }

bool uses_flow_control(const h3::WebTransportSettings& local, const h3::WebTransportSettings& peer) {
  return has_initial_limit(local) && has_initial_limit(peer);
}

std::uint64_t sessions_max(const h3::WebTransportSettings& local, const h3::WebTransportSettings& peer) {
  const bool needs_flow_control = peer.sessions_max_draft13 != 0 || peer.draft15 != 0;
  if (needs_flow_control && !uses_flow_control(local, peer)) return 1;
  if (peer.sessions_max_draft13 != 0) return peer.sessions_max_draft13;
  return peer.sessions_max_draft07 != 0 ? peer.sessions_max_draft07 : ~std::uint64_t{0};
}

std::optional<std::vector<std::string>> parse_available_protocols(std::string_view value, std::size_t count_max) {
  std::vector<std::string> protocols;
  std::string_view rest = http::trim_whitespace(value);
  while (!rest.empty()) {
    auto protocol = take_string_or_token(rest);
    if (!protocol || !skip_parameters(rest)) return std::vector<std::string>{};
    if (protocols.size() == count_max) return std::nullopt;
    protocols.push_back(*std::move(protocol));
    if (rest.empty()) break;
    rest = http::trim_whitespace(rest.substr(1));
    if (rest.empty()) return std::vector<std::string>{};  // a comma at the end (§4.2.1)
  }
  return protocols;
}

std::optional<std::string> parse_protocol(std::string_view value) {
  std::string_view rest = http::trim_whitespace(value);
  auto protocol = take_string_or_token(rest);
  if (!protocol || !skip_parameters(rest) || !rest.empty()) return std::nullopt;
  return protocol;
}

std::optional<std::string> encode_protocol(std::string_view protocol) {
  std::string encoded = "\"";
  for (const char c : protocol) {
    if (c < 0x20 || c > 0x7E) return std::nullopt;
    if (c == '"' || c == '\\') encoded += '\\';
    encoded += c;
  }
  if (protocol.empty()) return std::nullopt;
  return encoded + '"';
}

std::optional<std::string> encode_available_protocols(std::span<const std::string> protocols) {
  std::string encoded;
  for (const std::string& protocol : protocols) {
    const auto string = encode_protocol(protocol);
    if (!string) return std::nullopt;
    if (!encoded.empty()) encoded += ", ";
    encoded += *string;
  }
  return encoded;
}

}  // namespace plait::wt
