#include "net/file_watch.hpp"

#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "net/address.hpp"

namespace plait::net {
namespace {

constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE;

/// Which file a path leads to now, through its symbolic links.
struct Identity {
  dev_t device = 0;
  ino_t inode = 0;
  bool operator==(const Identity&) const = default;
};

Identity identity_of(const std::string& path) {
  struct stat file {};
  if (::stat(path.c_str(), &file) != 0) return {};
  return {file.st_dev, file.st_ino};
}

bool is_link(const std::string& path) {
  struct stat file {};
  return ::lstat(path.c_str(), &file) == 0 && S_ISLNK(file.st_mode);
}

}  // namespace

struct FileWatch::File {
  std::string path;
  std::string name;
  int directory_watch;
  Identity identity;
};

FileWatch::FileWatch(Loop& loop, std::function<void()> on_change) : loop_(loop), on_change_(std::move(on_change)) {}

Result<std::unique_ptr<FileWatch>, Error> FileWatch::make(Loop& loop, const std::vector<std::string>& paths,
                                                          std::function<void()> on_change) {
  std::unique_ptr<FileWatch> watch{new FileWatch(loop, std::move(on_change))};
  if (auto opened = watch->open(paths); !opened) return err(std::move(opened.error()));
  return watch;
}

Result<void, Error> FileWatch::open(const std::vector<std::string>& paths) {
  inotify_fd_ = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (inotify_fd_ < 0) return system_error("cannot watch files (inotify)", errno);
  for (const std::string& path : paths) {
    if (auto added = add(path); !added) return added;
  }
  return loop_.watch(inotify_fd_, EPOLLIN, *this);
}

Result<void, Error> FileWatch::add(const std::string& path) {
  const std::filesystem::path split{path};
  const std::string directory = split.has_parent_path() ? split.parent_path().string() : ".";
  const int watch = ::inotify_add_watch(inotify_fd_, directory.c_str(), kEvents);
  if (watch < 0) return system_error("cannot watch the directory " + directory, errno);
  files_.push_back({path, split.filename().string(), watch, identity_of(path)});
  return {};
}

FileWatch::~FileWatch() {
  if (inotify_fd_ < 0) return;
  loop_.unwatch(inotify_fd_, *this);
  ::close(inotify_fd_);
}

void FileWatch::handle_events(std::uint32_t /*events*/) {
  if (!drain()) return;
  const auto on_change = on_change_;  // which may destroy this
  on_change();
}

/// Reads all events; whether one of them concerns a file of ours.
bool FileWatch::drain() {
  bool changed = false;
  alignas(inotify_event) std::array<char, 4096> buffer;
  for (;;) {
    const ssize_t size = ::read(inotify_fd_, buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return changed;
    for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
      inotify_event event;
      std::memcpy(&event, &buffer[at], sizeof event);
      const std::string_view name = event.len == 0 ? "" : &buffer[at + sizeof event];  // zero-terminated
      changed = concerns_a_file(event, name) || changed;
      at += sizeof event + event.len;
    }
  }
}

bool FileWatch::concerns_a_file(const inotify_event& event, std::string_view name) {
  if ((event.mask & IN_Q_OVERFLOW) != 0) return true;  // events were lost: it may have been any file
  if ((event.mask & IN_IGNORED) != 0) return true;     // the directory was removed, or its file system unmounted
  bool concerned = false;
  for (File& file : files_) {
    if (file.directory_watch != event.wd) continue;
    const Identity now = identity_of(file.path);
    const bool elsewhere = now != std::exchange(file.identity, now);
    const bool link = is_link(file.path);
    // A new regular file is still empty; closing it after writing is another event.
    concerned = concerned || (file.name == name ? link || (event.mask & IN_CREATE) == 0 : link && elsewhere);
  }
  return concerned;
}

}  // namespace plait::net
