#include "bench/text_file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>

namespace plait::bench {

std::string read_text_file(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  return text.str();
}

bool write_text_file(const std::string& path, std::string_view text) {
  std::ofstream file(path, std::ios::trunc);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
  file.flush();
  return file.good();
}

Result<void, Error> print_line(std::string_view line) {
  const std::string text = std::string{line} + '\n';
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) return {};
  const int why = errno;
  return err(Error{std::string{"cannot write to standard output: "} + std::strerror(why), why});
}

}  // namespace plait::bench
