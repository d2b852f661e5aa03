// Peer: who opens a session or asks for a page.
#pragma once

#include <plait/session.hpp>

#include <optional>
#include <string>

namespace plait::transport {

struct Peer {
  std::string address{};  ///< as Session::peer()
  bool secure = false;
  std::optional<ClientCertificate> certificate{};
};

}  // namespace plait::transport
