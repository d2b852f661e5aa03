#include "cli/output.hpp"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <system_error>

#include "cli/command.hpp"
#include "core/printable.hpp"
#include "net/reader.hpp"
#include "net/thread.hpp"

namespace plait::cli {
namespace {

std::atomic<int> output_errno = 0;  // of the first loss

}  // namespace

void print_text(std::string_view text) {
  errno = 0;
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() && output_errno == 0) output_errno = errno;
}

void print_error_text(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); }

std::string printable_json(std::string_view json) {
  std::string shown;
  shown.reserve(json.size());
  while (!json.empty()) {
    const std::size_t control = core::control_bytes(json);
    if (control == 0) {
      shown += json.front();
      json.remove_prefix(1);
      continue;
    }
    const auto code = static_cast<unsigned char>(json[control - 1]);  // also U+0080 to U+009F end in it
    shown += code < 0x20 ? " " : fmt::format("\\u{:04x}", code);
    json.remove_prefix(control);
  }
  return shown;
}

bool flush_output() {
  errno = 0;
  if (std::fflush(stdout) != 0 && output_errno == 0) output_errno = errno;
  return std::ferror(stdout) == 0;
}

int finish_output(int status) {
  if (flush_output() || status != 0) return status;
  if (output_errno == EPIPE) return 1;
  const std::string why = output_errno == 0 ? "" : ": " + std::generic_category().message(output_errno);
  return fail("cannot write to standard output" + why);
}

void end_with_reader() {
  auto watcher = net::start_thread([] {
    net::wait_until_unread(STDOUT_FILENO);
    std::signal(SIGPIPE, SIG_DFL);
    std::raise(SIGPIPE);
  });
  if (watcher) watcher->detach();  // without it the next line notices
}

void outlive_readers() { std::signal(SIGPIPE, SIG_IGN); }

}  // namespace plait::cli
