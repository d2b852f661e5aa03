#include "bench/components/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>
#include <utility>

namespace plait::bench {

namespace {

constexpr std::chrono::milliseconds kTerminationGrace{2000};
constexpr int kCannotExecute = 127;

std::string read_all(int fd) {
  std::string out;
  std::array<char, 4096> buffer{};
  ssize_t got = 0;
  while ((got = pread(fd, buffer.data(), buffer.size(), static_cast<off_t>(out.size()))) > 0) {
    out.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return out;
}

[[noreturn]] void give_up(std::string_view what) {
  const char* why = std::strerror(errno);
  [[maybe_unused]] auto written = write(STDERR_FILENO, what.data(), what.size());
  written = write(STDERR_FILENO, why, std::strlen(why));
  _exit(kCannotExecute);
}

/// In the child, between fork and exec: only async-signal-safe calls.
[[noreturn]] void execute(char* const* arguments, std::optional<int> cpu, int output, int errors) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  dup2(output, STDOUT_FILENO);
  dup2(errors, STDERR_FILENO);
  if (cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<std::size_t>(*cpu), &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0) give_up("cannot run on its CPU: ");
  }
  execvp(arguments[0], arguments);
  give_up("");
}

}  // namespace

Result<Process, Error> Process::start(const std::vector<std::string>& arguments, std::optional<int> cpu) {
  std::vector<char*> pointers;
  pointers.reserve(arguments.size() + 1);
  for (const std::string& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  Process process;
  process.output_fd_ = memfd_create("output", MFD_CLOEXEC);
  process.errors_fd_ = memfd_create("errors", MFD_CLOEXEC);
  const pid_t pid = fork();
  if (pid < 0) return err(Error{"cannot start " + arguments.front() + ": " + std::strerror(errno), errno});
  if (pid == 0) execute(pointers.data(), cpu, process.output_fd_, process.errors_fd_);
  setpgid(pid, pid);  // here too: freeze() may come before the child has got to it
  process.pid_ = pid;
  process.pid_fd_ = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  return process;
}

Process::Process(Process&& other) noexcept { *this = std::move(other); }

Process& Process::operator=(Process&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(pid_fd_, other.pid_fd_);
  std::swap(output_fd_, other.output_fd_);
  std::swap(errors_fd_, other.errors_fd_);
  std::swap(exit_status_, other.exit_status_);
  std::swap(ended_, other.ended_);
  return *this;
}

Process::~Process() {
  if (pid_ > 0) end();
  for (const int fd : {pid_fd_, output_fd_, errors_fd_}) {
    if (fd >= 0) close(fd);
  }
}

void Process::end() {
  kill(-pid_, SIGTERM);
  thaw();
  if (!has_ended(kTerminationGrace)) {
    kill(-pid_, SIGKILL);
    has_ended(kTerminationGrace);
  }
  kill(-pid_, SIGKILL);  // what the leader may have left behind
}

bool Process::has_ended(std::chrono::milliseconds timeout) {
  if (ended_) return true;
  pollfd event{.fd = pid_fd_, .events = POLLIN, .revents = 0};
  if (poll(&event, 1, static_cast<int>(timeout.count())) <= 0) return false;
  int status = 0;
  waitpid(pid_, &status, 0);
  exit_status_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  ended_ = true;
  return true;
}

std::string Process::output() const { return read_all(output_fd_); }
std::string Process::errors() const { return read_all(errors_fd_); }
void Process::freeze() { kill(-pid_, SIGSTOP); }
void Process::thaw() { kill(-pid_, SIGCONT); }

}  // namespace plait::bench
