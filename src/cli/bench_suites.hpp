// What `plait bench` takes as SUITE, and what its --list shows.
#pragma once

#include <plait/result.hpp>

#include <string>
#include <vector>

#include "bench/suite.hpp"

namespace plait::cli {

/// The suite of that name, all of them where `name` is empty. The error names it.
Result<std::vector<bench::Suite>, Error> chosen_suites(const std::string& name);

/// Prints the rows that match --rows. The exit status: 1, with a message, when it is no regular expression, or none
/// matches.
int list_suites(const std::vector<bench::Suite>& suites, const std::string& pattern);

}  // namespace plait::cli
