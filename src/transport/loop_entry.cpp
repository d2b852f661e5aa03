#include "transport/loop_entry.hpp"

#include <cstring>

namespace plait::transport {

std::string Disconnect::text() const {
  const std::string_view what = reason.empty() ? std::string_view{"the connection ended"} : reason;
  const char* why = system_errno == 0 ? nullptr : ::strerrordesc_np(system_errno);  // without looking for a translation
  std::string text;
  text.reserve(what.size() + (why == nullptr ? 0 : 2 + std::strlen(why)));
  text += what;
  if (why != nullptr) (text += ": ") += why;
  return text;
}

}  // namespace plait::transport
