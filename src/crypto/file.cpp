#include "crypto/file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <thread>
#include <utility>

namespace plait::crypto {
namespace {

constexpr std::chrono::milliseconds kLockInterval{10};

Error system_error(const char* what, const std::filesystem::path& path) {
  const int code = errno;
  return {std::string{"cannot "} + what + " " + path.string() + ": " + std::generic_category().message(code), code};
}

class File {
 public:
  File(const std::filesystem::path& path, int flags, mode_t mode = 0)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

bool write_all(int fd, std::string_view contents) {
  while (!contents.empty()) {
    const ssize_t size = ::write(fd, contents.data(), contents.size());
    if (size < 0 && errno != EINTR) return false;
    if (size > 0) contents.remove_prefix(static_cast<std::size_t>(size));
  }
  return true;
}

}  // namespace

Result<std::string, Error> read_file(const std::filesystem::path& file) {
  const File source{file, O_RDONLY};
  if (source.fd() < 0) return err(system_error("read", file));
  std::string contents(kFileBytesMax + 1, '\0');
  std::size_t size = 0;
  while (size < contents.size()) {
    const ssize_t count = ::read(source.fd(), contents.data() + size, contents.size() - size);
    if (count == 0) break;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return err(system_error("read", file));
    size += static_cast<std::size_t>(count);
  }
  if (size > kFileBytesMax) return err(Error{"cannot read " + file.string() + ": larger than 1 MiB", EFBIG});
  contents.resize(size);
  contents.shrink_to_fit();
  return contents;
}

Result<void, Error> write_file(const std::filesystem::path& file, std::string_view contents, mode_t mode) {
  std::string temporary = file.string() + ".XXXXXX";
  const int fd = ::mkostemp(temporary.data(), O_CLOEXEC);  // made with mode 0600
  if (fd < 0) return err(system_error("write", file));
  const bool written = write_all(fd, contents) && ::fchmod(fd, mode) == 0 && ::fsync(fd) == 0;
  const bool replaced = written && ::rename(temporary.c_str(), file.c_str()) == 0;
  Result<void, Error> result;
  if (!replaced) {
    result = err(system_error("write", file));
    ::unlink(temporary.c_str());
  }
  ::close(fd);
  return result;
}

// flock() itself would wait for ever for a process that was stopped, and no signal would be heard meanwhile.
Result<FolderLock, Error> FolderLock::take(const std::filesystem::path& folder, std::chrono::milliseconds wait_max) {
  FolderLock lock{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (lock.fd_ < 0) return err(system_error("open folder", folder));
  for (auto left = wait_max; ::flock(lock.fd_, LOCK_EX | LOCK_NB) != 0; left -= kLockInterval) {
    if (errno == EWOULDBLOCK && left <= kLockInterval) {
      return err(Error{"cannot lock folder " + folder.string() +
                           ": another process has kept it locked all the while; is it stopped? 'fuser -v " +
                           folder.string() + "' names it",
                       EWOULDBLOCK});
    }
    if (errno != EWOULDBLOCK && errno != EINTR) return err(system_error("lock folder", folder));
    std::this_thread::sleep_for(kLockInterval);
  }
  return lock;
}

FolderLock::FolderLock(FolderLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
FolderLock::~FolderLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace plait::crypto
