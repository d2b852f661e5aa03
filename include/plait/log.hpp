// Where Plait's own messages go: few, for the person who runs it.
#pragma once

#include <plait/config.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

namespace plait {

enum class LogLevel : std::uint8_t { debug, info, warning, error };

/// Gets one line without a line end. Called from any thread, one call at a time. What is logged from inside it is left
/// out; it must neither throw nor call set_log_sink().
using LogSink = std::function<void(LogLevel, std::string_view)>;

/// Replaces the sink; the default writes warnings and errors to standard error. From any thread.
PLAIT_API void set_log_sink(LogSink sink);

/// What the sink gets at most: more lines of one level in a second are counted and told, at that level; longer lines
/// are cut.
inline constexpr std::size_t kLogLinesPerSecond = 100;
inline constexpr std::size_t kLogLineBytesMax = 1000;

/// Writes one line to the sink, its control characters replaced. From any thread.
PLAIT_API void log(LogLevel level, std::string_view line);

}  // namespace plait
