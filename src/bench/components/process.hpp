// Process: a child with its own process group, pinned if asked, its output kept in memory files.
#pragma once

#include <plait/result.hpp>

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace plait::bench {

class Process {
 public:
  /// Runs `arguments[0]`, found on PATH. `cpu`: the only CPU that it and its children may use. The child is killed when
  /// this process dies. A command that cannot be executed, or not on that CPU, shows as exit status 127 with the
  /// reason in errors().
  static Result<Process, Error> start(const std::vector<std::string>& arguments, std::optional<int> cpu);

  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  /// Ends the whole group: SIGTERM, after 2 s SIGKILL.
  ~Process();

  [[nodiscard]] pid_t id() const { return pid_; }
  /// True once the child has ended; waits for that up to `timeout`.
  bool has_ended(std::chrono::milliseconds timeout);
  /// Its exit status (128 + signal when killed); 0 while it runs.
  [[nodiscard]] int exit_status() const { return exit_status_; }
  /// What it has written so far.
  [[nodiscard]] std::string output() const;
  [[nodiscard]] std::string errors() const;
  /// Stops and continues the group, so that the servers not under test take no CPU.
  void freeze();
  void thaw();

 private:
  Process() = default;
  void end();

  pid_t pid_ = -1;
  int pid_fd_ = -1;
  int output_fd_ = -1;
  int errors_fd_ = -1;
  int exit_status_ = 0;
  bool ended_ = false;
};

}  // namespace plait::bench
