// Small files that hold keys and certificates.
#pragma once

#include <plait/result.hpp>

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>

namespace plait::crypto {

inline constexpr std::size_t kFileBytesMax = std::size_t{1} << 20;

/// The whole of `file`, at most kFileBytesMax. Errors name the file and what the system says.
Result<std::string, Error> read_file(const std::filesystem::path& file);

/// Replaces `file` by `contents` with `mode`, so that a reader and a crash see the old or the new, never a part.
Result<void, Error> write_file(const std::filesystem::path& file, std::string_view contents, mode_t mode);

/// Keeps other processes that lock the same folder out for as long as it lives.
class FolderLock {
 public:
  static Result<FolderLock, Error> take(const std::filesystem::path& folder);
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock();

 private:
  explicit FolderLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace plait::crypto
