// The echo bench's result as text and as JSON.
#pragma once

#include <string>

#include "bench/components/echo/bench.hpp"

namespace plait::bench {

/// The published client's three lines, in its words and with its definitions.
std::string published_echo_lines(const EchoBenchOptions& options, const EchoBenchResult& result);

/// The published lines, then everything with its unit named.
std::string echo_report_text(const EchoBenchOptions& options, const EchoBenchResult& result);

/// One JSON object; times in nanoseconds (suffix _ns), rates with their unit in the name. docs/manual/echo.md lists it.
std::string echo_report_json(const EchoBenchOptions& options, const EchoBenchResult& result);

/// p95 by the published definition, nanoseconds: exact while every sample was kept, else the histogram's.
std::uint64_t p95_as_published(const EchoBenchResult& result);

}  // namespace plait::bench
