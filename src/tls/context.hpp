// Context: certificates, trust and options that many connections share. Immutable; a reload makes a new one.
#pragma once

#include <plait/result.hpp>

#include <memory>
#include <string>
#include <vector>

namespace plait::tls {

struct ServerConfig {
  std::string certificate_file;  ///< PEM chain, leaf first
  std::string private_key_file;
  std::vector<std::string> alpn{"http/1.1"};  ///< in order of preference
};

struct ClientConfig {
  bool verify = true;
  std::string authority_file;  ///< PEM; empty: the system's
  std::vector<std::string> alpn{"http/1.1"};
};

class Context {
 public:
  /// Errors name the file and the fix (missing, unreadable, key does not match, expired is only a warning).
  static Result<Context, Error> server(const ServerConfig& config);
  static Result<Context, Error> client(const ClientConfig& config);
  Context(Context&&) noexcept;
  Context& operator=(Context&&) noexcept;
  ~Context();

 private:
  friend class Engine;
  struct State;
  explicit Context(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace plait::tls
