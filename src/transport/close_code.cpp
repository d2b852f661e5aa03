#include "transport/close_code.hpp"

#include <plait/log.hpp>
#include <plait/session.hpp>

#include <string>

#include "codec/utf8.hpp"
#include "core/close_code.hpp"
#include "ws/frame.hpp"

namespace plait::transport {

std::uint16_t to_frame_code(std::uint32_t code) {
  if (code == 0 || code == close_code::kNoStatus) return close_code::kNoStatus;
  const auto carried = static_cast<std::uint16_t>(code);
  if (carried == code && core::is_valid_close_code(carried)) return carried;
  log(LogLevel::warning, "a session is closed with 1011: its wire cannot carry close code " + std::to_string(code));
  return close_code::kInternalError;
}

std::string_view to_frame_reason(std::string_view reason) {
  if (!codec::is_utf8(as_bytes(reason))) return {};
  return as_text(codec::utf8_prefix(as_bytes(reason), ws::kCloseReasonBytesMax));
}

}  // namespace plait::transport
