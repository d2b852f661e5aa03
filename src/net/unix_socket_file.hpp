// UnixSocketFile: the file that a listening Unix socket leaves in the file system, removed with its owner.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>

namespace plait::net {

class UnixSocketFile {
 public:
  UnixSocketFile() = default;
  /// Owns the file that bind() has just made at `path`.
  explicit UnixSocketFile(std::string path);
  UnixSocketFile(UnixSocketFile&& other) noexcept { *this = std::move(other); }
  UnixSocketFile& operator=(UnixSocketFile&& other) noexcept;
  ~UnixSocketFile() { remove(); }

  /// Removes the file, unless another program has put its own there meanwhile.
  void remove();

  /// Whether `path` is a socket's file that nobody listens on: what a killed program leaves behind. Else errno says
  /// why.
  static bool is_stale(const std::string& path);

 private:
  std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace plait::net
