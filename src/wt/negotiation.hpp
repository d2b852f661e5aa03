// What the two sides agree on before a session: the dialect, by SETTINGS, and the application's protocol, by fields of
// the CONNECT request and its response (draft-ietf-webtrans-http3 §3). Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "h3/settings.hpp"

namespace plait::wt {

inline constexpr std::string_view kProtocol = "webtransport";            ///< :protocol up to draft 14
inline constexpr std::string_view kProtocolDraft15 = "webtransport-h3";  ///< :protocol since
/// Request field of draft 2, value 1, and the response field that echoes it, value "draft02".
inline constexpr std::string_view kDraft02RequestField = "sec-webtransport-http3-draft02";
inline constexpr std::string_view kDraft02ResponseField = "sec-webtransport-http3-draft";
inline constexpr std::string_view kDraft02ResponseValue = "draft02";
inline constexpr std::string_view kAvailableProtocolsField = "wt-available-protocols";
inline constexpr std::string_view kProtocolField = "wt-protocol";

/// Client: whether a server with these settings has WebTransport.
[[nodiscard]] bool is_capable(const h3::Settings& peer);

struct ConnectDialect {
  std::string_view protocol{};  ///< :protocol of the request
  bool draft02_field = false;   ///< send kDraft02RequestField
};
/// Client: how to ask a server that is_capable() for a session.
[[nodiscard]] ConnectDialect connect_dialect(const h3::Settings& peer);

/// Server: whether a request's :protocol asks for a WebTransport session.
[[nodiscard]] bool is_connect_protocol(std::string_view protocol);

/// Whether flow control is on for the sessions of a connection: each side sent an initial limit.
[[nodiscard]] bool uses_flow_control(const h3::WebTransportSettings& local, const h3::WebTransportSettings& peer);

/// Client: how many sessions a connection may have at a time, for a server that is_capable(). From draft 13 on there is
/// only one without flow control (§5.1).
[[nodiscard]] std::uint64_t sessions_max(const h3::WebTransportSettings& local, const h3::WebTransportSettings& peer);

/// Server: WT-Available-Protocols, a list of strings (RFC 9651 §3.1); tokens are taken, too. Parameters are skipped.
/// Empty: none, or the field is malformed, which is as if it were absent. Several lines are joined by ", " before.
/// None: more than `count_max` (Limits::subprotocols_max).
[[nodiscard]] std::optional<std::vector<std::string>> parse_available_protocols(std::string_view value,
                                                                                std::size_t count_max);
/// Client: WT-Protocol, one string or token. None: malformed or absent.
[[nodiscard]] std::optional<std::string> parse_protocol(std::string_view value);
/// None: a protocol that is empty or has characters that a string cannot have (RFC 9651 §3.3.3).
[[nodiscard]] std::optional<std::string> encode_available_protocols(std::span<const std::string> protocols);
[[nodiscard]] std::optional<std::string> encode_protocol(std::string_view protocol);

}  // namespace plait::wt
