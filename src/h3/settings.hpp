// SETTINGS (RFC 9114 §7.2.4): what both sides say once, first thing on the control stream.
#pragma once

#include <plait/bytes.hpp>
#include <plait/result.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/byte_sink.hpp"
#include "h3/error.hpp"

namespace plait::h3 {

/// Setting identifiers. WebTransport's drafts each had one of their own to say "I speak it", and peers look for the one
/// that they know, so all are sent.
namespace setting {
inline constexpr std::uint64_t kQpackTableBytesMax = 0x01;
inline constexpr std::uint64_t kFieldSectionBytesMax = 0x06;
inline constexpr std::uint64_t kQpackBlockedStreams = 0x07;
inline constexpr std::uint64_t kExtendedConnect = 0x08;  // RFC 9220 §3
inline constexpr std::uint64_t kDatagram = 0x33;         // RFC 9297 §2.1.1
inline constexpr std::uint64_t kDatagramDraft04 = 0xFFD277;
inline constexpr std::uint64_t kWebTransportDraft02 = 0x2B603742;
inline constexpr std::uint64_t kWebTransportSessionsMaxDraft07 = 0xC671706A;
inline constexpr std::uint64_t kWebTransportSessionsMaxDraft13 = 0x14E9CD29;
inline constexpr std::uint64_t kWebTransportDraft15 = 0x2C7CF000;
inline constexpr std::uint64_t kWebTransportInitialData = 0x2B61;
inline constexpr std::uint64_t kWebTransportInitialStreamsUni = 0x2B64;
inline constexpr std::uint64_t kWebTransportInitialStreamsBidi = 0x2B65;
}  // namespace setting

/// Of WebTransport; zero means that the setting is absent.
struct WebTransportSettings {
  std::uint64_t draft02 = 0;               ///< 0x2b603742: Chromium, Firefox
  std::uint64_t sessions_max_draft07 = 0;  ///< 0xc671706a: Safari 26
  std::uint64_t sessions_max_draft13 = 0;  ///< 0x14e9cd29: Safari 26.4
  std::uint64_t draft15 = 0;               ///< 0x2c7cf000: `:protocol` is then webtransport-h3
  std::uint64_t initial_data = 0;          ///< 0x2b61: initial credit of each session
  std::uint64_t initial_streams_uni = 0;   ///< 0x2b64
  std::uint64_t initial_streams_bidi = 0;  ///< 0x2b65

  /// Any of the four identifiers that say so.
  [[nodiscard]] bool enabled() const {
    return draft02 != 0 || sessions_max_draft07 != 0 || sessions_max_draft13 != 0 || draft15 != 0;
  }
  friend bool operator==(const WebTransportSettings&, const WebTransportSettings&) = default;
};

/// Default-constructed: what holds for a peer that has said nothing.
struct Settings {
  std::optional<std::uint64_t> field_section_bytes_max;  ///< as RFC 9114 §4.2.2 counts; none: no limit
  bool extended_connect = false;
  bool datagrams = false;
  bool datagrams_draft04 = false;
  WebTransportSettings webtransport;

  /// Whether HTTP Datagrams may be sent to whoever said this.
  [[nodiscard]] bool takes_datagrams() const { return datagrams || datagrams_draft04; }
  friend bool operator==(const Settings&, const Settings&) = default;
};

inline constexpr std::uint64_t kFieldSectionBytesMax = 65536;

/// Our settings for HTTP/3 alone.
[[nodiscard]] Settings http3_settings();
/// Our settings with WebTransport in all its dialects. `initial` gives the credit and the number of sessions
/// (sessions_max_draft13, sent under both identifiers); the rest of it is not looked at.
[[nodiscard]] Settings webtransport_settings(const WebTransportSettings& initial = {
                                                 .sessions_max_draft13 = 16,
                                                 .initial_data = std::uint64_t{1} << 24,
                                                 .initial_streams_uni = 128,
                                                 .initial_streams_bidi = 128});

/// Appends the payload of a SETTINGS frame, what is absent left out. The two of QPACK are always 0: no dynamic table.
void encode_settings(const Settings& settings, core::ByteSink& out);

/// Errors: frame_malformed, setting_repeated, setting_of_http2, setting_value_invalid. Unknown identifiers are ignored.
Result<Settings, Error> decode_settings(ByteView payload);

}  // namespace plait::h3
