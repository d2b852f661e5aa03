// The load generator's entry: `plait bench-generate key=value…`, a process of its own beside the server under test.
#pragma once

#include <plait/result.hpp>

#include <span>
#include <string>

namespace plait::bench {

/// Runs the plan and prints one line of JSON on standard output: {"ok":true, …} or {"ok":false,"error":"…"}.
/// The exit status, 0 only when the whole plan was run; the error: the line is lost.
Result<int, Error> generate_load(std::span<const std::string> arguments);

}  // namespace plait::bench
