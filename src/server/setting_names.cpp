#include "server/setting_names.hpp"

#include <algorithm>
#include <array>

namespace plait::server {
namespace {

struct Option {
  std::string_view key;
  std::string_view option;
  std::string_view value;
};

/// Of those that messages speak of and that have one.
constexpr std::array kOptions{
    Option{"development", "--dev", ""},
    Option{"listen", "--listen", "URL"},
    Option{"allowed_origins", "--allowed-origin", "ORIGIN"},
    Option{"qlog", "--qlog", "DIR"},
    Option{"tls.certificate", "--cert", "FILE"},
    Option{"tls.private_key", "--key", "FILE"},
    Option{"tls.client_certificates", "--client-certificates", ""},
    Option{"tls.client_authority", "--client-authority", "FILE"},
    Option{"jwt.secret_file", "--jwt-secret-file", "FILE"},
};

std::string option_of(std::string_view key, bool with_value) {
  const auto* const found = std::ranges::find(kOptions, key, &Option::key);
  if (found == kOptions.end()) return std::string{key};
  const bool bare = !with_value || found->value.empty();
  return std::string{found->option} + (bare ? "" : " " + std::string{found->value});
}

}  // namespace

void SettingNames::override(std::string_view key) {
  if (const auto found = lines_.find(key); found != lines_.end()) lines_.erase(found);
  if (const auto found = mistakes_.find(key); found != mistakes_.end()) mistakes_.erase(found);
}

std::string SettingNames::at(std::string_view key) const {
  const auto found = lines_.find(key);
  if (found == lines_.end()) return option_of(key, false);
  return file_ + ":" + std::to_string(found->second) + ": " + std::string{key};
}

std::string SettingNames::name(std::string_view key) const {
  return file_.empty() ? option_of(key, false) : std::string{key};
}

std::string SettingNames::wanted(std::string_view key) const {
  if (file_.empty()) return option_of(key, true);
  return std::string{key} + (key == "development" ? " = true" : "");
}

}  // namespace plait::server
