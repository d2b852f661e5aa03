// What a client says of a server that refused its opening: the same on every wire.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace plait::transport {

/// A text often says what to do. So much of it is read, and waited for.
inline constexpr std::size_t kExplanationBytesMax = 200;
inline constexpr std::chrono::milliseconds kExplanationWait{500};

/// "the server refused with status 404 Not Found: nothing is served at this path": of `explanation`, which may be
/// empty, the first line, without what is not fit for a terminal.
[[nodiscard]] std::string describe_refusal(int status, std::string_view explanation);

}  // namespace plait::transport
