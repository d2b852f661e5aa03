// What of this machine decides how many sessions fit and how fast they are.
#pragma once

#include <string>
#include <vector>

namespace plait::server {

struct SystemFact {
  std::string name;
  std::string value;
  std::string advice;  ///< empty: good as it is
};

/// Reads limits and kernel settings; what cannot be read is left out.
std::vector<SystemFact> examine_system();

/// {"facts":[{"name":…,"value":…,"advice":…}…]}
std::string to_json(const std::vector<SystemFact>& facts);

}  // namespace plait::server
