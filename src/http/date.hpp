// IMF-fixdate, the format of the Date field (RFC 9110 §5.6.7).
#pragma once

#include <chrono>
#include <string>

namespace plait::http {

/// "Sun, 06 Nov 1994 08:49:37 GMT": 29 characters, for times in the years 1 to 9999. Make it once a second, not once a
/// response.
[[nodiscard]] std::string imf_fixdate(std::chrono::system_clock::time_point time);

}  // namespace plait::http
