#include "bench/text_file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace plait::bench {
namespace {

Unexpected<Error> unwritable(const std::string& path, int why) {
  return err(Error{path + ": cannot be written: " + std::strerror(why), why});
}

}  // namespace

std::string read_text_file(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  return text.str();
}

Result<void, Error> check_writable(const std::string& path) {
  struct stat status {};
  std::string wanted = path;  // or where it is to be made
  int mode = W_OK;
  if (::stat(path.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) return unwritable(path, EISDIR);
  } else if (errno == ENOENT) {
    const std::string folder = std::filesystem::path{path}.parent_path().string();
    wanted = folder.empty() ? "." : folder;
    mode = W_OK | X_OK;
  } else {
    return unwritable(path, errno);
  }
  if (::access(wanted.c_str(), mode) != 0) return unwritable(path, errno);
  return {};
}

Result<void, Error> write_text_file(const std::string& path, std::string_view text) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) return unwritable(path, errno);
  int why = std::fwrite(text.data(), 1, text.size(), file) == text.size() ? 0 : errno;
  if (std::fclose(file) != 0 && why == 0) why = errno;
  if (why != 0) return unwritable(path, why);
  return {};
}

Result<void, Error> print_line(std::string_view line) {
  const std::string text = std::string{line} + '\n';
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) return {};
  const int why = errno;
  return err(Error{std::string{"cannot write to standard output: "} + std::strerror(why), why});
}

}  // namespace plait::bench
