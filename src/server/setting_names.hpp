// SettingNames: what messages call a setting: the key of the file that gave it, with its line, or the option of the
// command line.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace plait::server {

/// Settings are named by their keys.
class SettingNames {
 public:
  /// A file of that name is read, and gave these.
  void set_file(std::string_view file) { file_ = file; }
  void add(std::string_view key, std::size_t line) { lines_.insert_or_assign(std::string{key}, line); }
  /// It gave this, too, but no value that can be: the setting has its default, from which nothing follows.
  void add_mistake(std::string_view key) { mistakes_.emplace(key); }
  [[nodiscard]] bool has_mistake(std::string_view key) const { return mistakes_.contains(key); }
  /// The command line overrides the file.
  void override(std::string_view key);
  [[nodiscard]] bool gave(std::string_view key) const { return lines_.contains(key); }

  /// For the setting that is wrong: "plait.toml:3: tls.certificate", or "--cert".
  [[nodiscard]] std::string at(std::string_view key) const;
  /// For one that is at fault, too: "tls.private_key" or "--key".
  [[nodiscard]] std::string name(std::string_view key) const;
  /// For one that would help: "tls.private_key" or "--key FILE".
  [[nodiscard]] std::string wanted(std::string_view key) const;

 private:
  std::string file_;
  std::map<std::string, std::size_t, std::less<>> lines_;  // of the keys that the file gave
  std::set<std::string, std::less<>> mistakes_;
};

}  // namespace plait::server
