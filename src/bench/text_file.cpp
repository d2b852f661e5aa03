#include "bench/text_file.hpp"

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

}  // namespace plait::bench
