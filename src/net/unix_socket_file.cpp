#include "net/unix_socket_file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "net/socket.hpp"

namespace plait::net {

UnixSocketFile::UnixSocketFile(std::string path) {
  struct stat file {};
  if (::lstat(path.c_str(), &file) != 0) return;
  path_ = std::move(path);
  device_ = file.st_dev;
  inode_ = file.st_ino;
}

UnixSocketFile& UnixSocketFile::operator=(UnixSocketFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(device_, other.device_);
  std::swap(inode_, other.inode_);
  return *this;
}

void UnixSocketFile::remove() {
  const std::string path = std::exchange(path_, {});
  struct stat file {};
  if (path.empty() || ::lstat(path.c_str(), &file) != 0) return;
  if (file.st_dev == device_ && file.st_ino == inode_) ::unlink(path.c_str());
}

bool UnixSocketFile::is_stale(const std::string& path) {
  struct stat file {};
  if (::lstat(path.c_str(), &file) != 0) return false;
  if (!S_ISSOCK(file.st_mode)) {
    errno = EEXIST;
    return false;
  }
  const auto probe = Socket::connect({.unix_path = path});
  errno = probe ? EADDRINUSE : probe.error().system_errno;
  return errno == ECONNREFUSED;
}

}  // namespace plait::net
