// The three commands of `plait echo`, registered by add_echo_command().
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "net/socket.hpp"

namespace plait::cli {

inline constexpr int kEchoThreadPort = 5050;  // as the published pair
inline constexpr int kEchoAsyncPort = 5051;

/// Where to listen or connect, as all three take it.
struct EchoAddressOptions {
  std::string host = "127.0.0.1";
  int port = kEchoThreadPort;
  std::string unix_path;

  CLI::Option* add_to(CLI::App& command);  ///< gives --port
  [[nodiscard]] net::Address address() const;
};

void add_echo_serve(CLI::App& echo, Action& action);
void add_echo_send(CLI::App& echo, Action& action);
void add_echo_bench(CLI::App& echo, Action& action);

}  // namespace plait::cli
