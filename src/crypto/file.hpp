// Small files that hold keys and certificates.
#pragma once

#include <plait/result.hpp>

#include <sys/types.h>

#include <chrono>
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
  /// Waits for one that has it, about `wait_max`; then it is an error that names the folder.
  static Result<FolderLock, Error> take(const std::filesystem::path& folder, std::chrono::milliseconds wait_max);
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock();

 private:
  explicit FolderLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace plait::crypto
