// How many files, and so connections, this process may have open.
#pragma once

#include <cstdint>

namespace plait::net {

/// Raises the soft limit of open files to the hard limit, which needs no privilege. Returns the limit that now holds; 0
/// if it cannot be read. The soft limit is low by default (1024) only for programs that use select().
std::uint64_t raise_file_limit();

}  // namespace plait::net
