// ServerNames: which of a server's certificates a client's name asks for (SNI, RFC 6066 §3).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tls/state.hpp"

namespace plait::tls {

class ServerNames {
 public:
  void add(std::vector<std::string> names, SslContext context) {
    entries_.push_back({std::move(names), std::move(context)});
  }
  /// The first that fits; null if none does.
  [[nodiscard]] SSL_CTX* find(const char* host) const;

 private:
  struct Entry {
    std::vector<std::string> names;
    SslContext context;
  };
  std::vector<Entry> entries_;
};

/// Connections of `context`, which owns `names` from here on, go over to the context that their client's name asks for.
/// False when out of memory.
bool choose_by_name(SSL_CTX& context, std::unique_ptr<ServerNames> names);

}  // namespace plait::tls
