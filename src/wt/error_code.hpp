// Error codes of WebTransport over HTTP/3 (draft-ietf-webtrans-http3 §4.4, §9.5), and the place that the application's
// 32 bits have among those of HTTP/3.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace plait::wt {

/// Error codes of the wire.
namespace code {
inline constexpr std::uint64_t kBufferedStreamRejected = 0x3994BD84;
inline constexpr std::uint64_t kSessionGone = 0x170D7B68;
inline constexpr std::uint64_t kFlowControlError = 0x045D4487;
inline constexpr std::uint64_t kAlpnError = 0x0817B3DD;
inline constexpr std::uint64_t kApplicationFirst = 0x52E4A40FA8DB;
inline constexpr std::uint64_t kApplicationLast = 0x52E5AC983162;
}  // namespace code

/// Application code to that of RESET_STREAM or STOP_SENDING. Every 31st is left out: those are GREASE.
[[nodiscard]] constexpr std::uint64_t to_http_code(std::uint32_t application_code) {
  return code::kApplicationFirst + application_code + application_code / 30;
}

/// The way back. None: the code is not an application's.
[[nodiscard]] constexpr std::optional<std::uint32_t> to_application_code(std::uint64_t http_code) {
  if (http_code < code::kApplicationFirst || http_code > code::kApplicationLast) return std::nullopt;
  if ((http_code - 0x21) % 31 == 0) return std::nullopt;
  const std::uint64_t shifted = http_code - code::kApplicationFirst;
  return static_cast<std::uint32_t>(shifted - shifted / 31);
}

/// One per rule that a peer can break; each ends its session.
enum class Error : std::uint8_t {
  capsule_too_large,      ///< a capsule of a known type that is longer than any of them may be
  capsule_malformed,      ///< the value is shorter or longer than its fields
  capsule_truncated,      ///< the CONNECT stream ended inside a capsule (RFC 9297 §3.3)
  capsule_prohibited,     ///< WT_MAX_STREAM_DATA or WT_STREAM_DATA_BLOCKED, which HTTP/3 has no use for (§5.4)
  close_reason_too_long,  ///< more than 1024 bytes (§6)
  close_reason_not_utf8,  ///< §6
  data_after_close,       ///< anything after WT_CLOSE_SESSION but FIN (§6): of the stream alone, the session has ended
  data_limit_exceeded,    ///< more bytes on streams than our WT_MAX_DATA (§5.6.4)
  stream_limit_exceeded,  ///< more streams than our WT_MAX_STREAMS (§5.6.2)
  limit_not_increased,    ///< WT_MAX_DATA or WT_MAX_STREAMS below the one before; from draft 15 on also the same again
  stream_limit_too_high,  ///< WT_MAX_STREAMS above 2^60 (§5.6.2)
};

inline constexpr Error kLastError = Error::stream_limit_too_high;

/// The error code that the CONNECT stream is reset with.
[[nodiscard]] std::uint64_t wire_code_of(Error error);
/// A sentence that names the broken rule. Static storage.
[[nodiscard]] std::string_view describe(Error error);

}  // namespace plait::wt
