#include "transport/connection.hpp"

#include <cstring>

namespace plait::transport {

std::string Disconnect::text() const {
  std::string text{reason.empty() ? "the connection ended" : reason};
  if (system_errno != 0) text += std::string{": "} + std::strerror(system_errno);
  return text;
}

}  // namespace plait::transport
