// The version of this release, as text.
#pragma once

namespace plait {

inline constexpr const char kVersion[] = "0.1.0";

}  // namespace plait
