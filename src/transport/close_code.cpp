#include "transport/close_code.hpp"

#include <plait/log.hpp>
#include <plait/session.hpp>

#include <string>

#include "ws/frame.hpp"

namespace plait::transport {

std::uint16_t to_frame_code(std::uint32_t code) {
  if (code == 0 || code == close_code::kNoStatus) return close_code::kNoStatus;
  const auto carried = static_cast<std::uint16_t>(code);
  if (carried == code && ws::is_valid_close_code(carried)) return carried;
  log(LogLevel::warning, "a session is closed with 1011: its wire cannot carry close code " + std::to_string(code));
  return close_code::kInternalError;
}

}  // namespace plait::transport
