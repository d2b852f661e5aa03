// The TOML file of `plait serve`: one table of keys, each with what it takes and where it goes.
// Header only, because Debian's shared library has exceptions.
#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <optional>

#include "server/config.hpp"
#include "server/error_list.hpp"

namespace plait::server {
namespace {

bool read(const toml::node& node, bool& out) {
  const auto* value = node.as_boolean();
  if (value != nullptr) out = value->get();
  return value != nullptr;
}

bool read(const toml::node& node, std::string& out) {
  const auto* value = node.as_string();
  if (value != nullptr) out = value->get();
  return value != nullptr;
}

bool read(const toml::node& node, double& out) {
  const auto value = node.value<double>();
  if (!value || !std::isfinite(*value) || *value < 0) return false;
  out = *value;
  return true;
}

bool read(const toml::node& node, std::vector<std::string>& out) {
  const auto* array = node.as_array();
  if (array == nullptr) return false;
  out.clear();
  for (const toml::node& element : *array) {
    if (!read(element, out.emplace_back())) return false;
  }
  return true;
}

bool read(const toml::node& node, std::vector<TlsFiles>& out) {
  const auto* array = node.as_array();
  if (array == nullptr) return false;
  out.clear();
  for (const toml::node& element : *array) {
    const toml::table* table = element.as_table();
    const bool is_pair =
        table != nullptr && table->size() == 2 && table->contains("certificate") && table->contains("private_key");
    TlsFiles& files = out.emplace_back();
    if (!is_pair || !read(*table->get("certificate"), files.certificate_file) ||
        !read(*table->get("private_key"), files.private_key_file)) {
      return false;
    }
  }
  return true;
}

constexpr std::int64_t kIntegerMax = std::numeric_limits<std::int64_t>::max();

template <class Integer>
bool read_integer(const toml::node& node, Integer& out, std::int64_t min, std::int64_t max = kIntegerMax) {
  const auto* value = node.as_integer();
  if (value == nullptr || value->get() < min || value->get() > max) return false;
  out = static_cast<Integer>(value->get());
  return true;
}

bool read(const toml::node& node, ClientCertificates& out) {
  constexpr std::array<std::string_view, 3> kNames{"off", "optional", "required"};
  const auto* value = node.as_string();
  if (value == nullptr) return false;
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (value->get() != kNames[i]) continue;
    out = static_cast<ClientCertificates>(i);
    return true;
  }
  return false;
}

template <class Unit>
bool read_duration(const toml::node& node, Duration& out, std::int64_t min, std::int64_t max) {
  std::int64_t count = 0;
  if (!read_integer(node, count, min, max)) return false;
  out = Unit{count};
  return true;
}

using std::chrono::microseconds;
using std::chrono::seconds;
constexpr std::int64_t kYear = std::int64_t{365} * 24 * 3600;

struct Setting {
  std::string_view key;
  std::string_view takes;
  bool (*read)(const toml::node&, Config&);
};

constexpr std::string_view kCount = "a whole number, 0 or more";
constexpr std::string_view kPositive = "a whole number, 1 or more";
constexpr std::string_view kBytes = "a whole number, 1 to 4294967296 (4 GiB)";
constexpr std::int64_t kMessageBytesMax = std::int64_t{1} << 32;
constexpr std::string_view kText = "a string";
constexpr std::string_view kSwitch = "true or false";
constexpr std::string_view kTexts = "an array of strings";
constexpr std::string_view kNumber = "a number, 0 or more";
constexpr std::string_view kSeconds = "whole seconds, 0 to a year";
constexpr std::string_view kPositiveSeconds = "whole seconds, 1 to a year";

constexpr std::array kSettings{
    Setting{"development", kSwitch, [](const toml::node& n, Config& c) { return read(n, c.development); }},
    Setting{"listen", kTexts, [](const toml::node& n, Config& c) { return read(n, c.listen); }},
    Setting{"threads", "a whole number, 0 (one per core) to 1024",
            [](const toml::node& n, Config& c) { return read_integer(n, c.server.threads, 0, 1024); }},
    Setting{"busy_poll", "microseconds, 0 to 50",
            [](const toml::node& n, Config& c) { return read_duration<microseconds>(n, c.server.busy_poll, 0, 50); }},
    Setting{"deflate", kSwitch, [](const toml::node& n, Config& c) { return read(n, c.server.deflate); }},
    Setting{"allowed_origins", kTexts,
            [](const toml::node& n, Config& c) { return read(n, c.server.allowed_origins); }},
    Setting{"qlog", kText, [](const toml::node& n, Config& c) { return read(n, c.server.qlog_folder); }},
    Setting{"access_log", kSwitch, [](const toml::node& n, Config& c) { return read(n, c.access_log); }},
    Setting{"drain_timeout", kSeconds,
            [](const toml::node& n, Config& c) { return read_duration<seconds>(n, c.server.drain_timeout, 0, kYear); }},
    Setting{"tls.certificate", kText,
            [](const toml::node& n, Config& c) { return read(n, c.server.tls.certificate_file); }},
    Setting{"tls.private_key", kText,
            [](const toml::node& n, Config& c) { return read(n, c.server.tls.private_key_file); }},
    Setting{"tls.further", "tables [[tls.further]] of certificate and private_key",
            [](const toml::node& n, Config& c) { return read(n, c.server.further_tls); }},
    Setting{"tls.client_certificates", "\"off\", \"optional\" or \"required\"",
            [](const toml::node& n, Config& c) { return read(n, c.server.client_certificates); }},
    Setting{"tls.client_authority", kText,
            [](const toml::node& n, Config& c) { return read(n, c.server.client_authority_file); }},
    Setting{"jwt.secret_file", kText, [](const toml::node& n, Config& c) { return read(n, c.jwt_secret_file); }},
    Setting{"jwt.issuer", kText, [](const toml::node& n, Config& c) { return read(n, c.jwt_issuer); }},
    Setting{"jwt.audience", kText, [](const toml::node& n, Config& c) { return read(n, c.jwt_audience); }},
    Setting{"limits.message_bytes_max", kBytes,
            [](const toml::node& n, Config& c) {
              return read_integer(n, c.server.limits.message_bytes_max, 1, kMessageBytesMax);
            }},
    Setting{"limits.send_queue_bytes_max", kBytes,
            [](const toml::node& n, Config& c) {
              return read_integer(n, c.server.limits.send_queue_bytes_max, 1, kMessageBytesMax);
            }},
    Setting{"limits.connections_max", kPositive,
            [](const toml::node& n, Config& c) { return read_integer(n, c.server.limits.connections_max, 1); }},
    Setting{"limits.handshake_timeout", kPositiveSeconds,
            [](const toml::node& n, Config& c) {
              return read_duration<seconds>(n, c.server.limits.handshake_timeout, 1, kYear);
            }},
    Setting{"limits.ping_interval", kSeconds,
            [](const toml::node& n, Config& c) {
              return read_duration<seconds>(n, c.server.limits.ping_interval, 0, kYear);
            }},
    Setting{"limits.requests_max", kCount,
            [](const toml::node& n, Config& c) { return read_integer(n, c.requests.requests_max, 0); }},
    Setting{"limits.requests_window", kPositiveSeconds,
            [](const toml::node& n, Config& c) { return read_duration<seconds>(n, c.requests.window, 1, kYear); }},
    Setting{"hub.history_count_max", kCount,
            [](const toml::node& n, Config& c) { return read_integer(n, c.history.history_count_max, 0); }},
    Setting{"hub.history_ttl", kPositiveSeconds,
            [](const toml::node& n, Config& c) { return read_duration<seconds>(n, c.history.history_ttl, 1, kYear); }},
    Setting{"hub.topics_max", kPositive,
            [](const toml::node& n, Config& c) { return read_integer(n, c.history.topics_max, 1); }},
    Setting{"hub.subscriptions_max", kPositive,
            [](const toml::node& n, Config& c) { return read_integer(n, c.subscriptions_max, 1); }},
    Setting{"hub.patterns_max", kCount,
            [](const toml::node& n, Config& c) { return read_integer(n, c.patterns_max, 0); }},
    Setting{"hub.patterns_total_max", kCount,
            [](const toml::node& n, Config& c) { return read_integer(n, c.patterns_total_max, 0); }},
    Setting{"hub.rate_limit_capacity", kNumber,
            [](const toml::node& n, Config& c) { return read(n, c.rate_limit_capacity); }},
    Setting{"hub.rate_limit_refill", kNumber,
            [](const toml::node& n, Config& c) { return read(n, c.rate_limit_refill); }},
};

bool is_section(std::string_view key) {
  const std::string prefix = std::string{key} + ".";
  for (const Setting& setting : kSettings) {
    if (setting.key.starts_with(prefix)) return true;
  }
  return false;
}

// The keys of the section that `key` stands in.
std::string known_keys(std::string_view key) {
  const std::string_view section = key.substr(0, key.rfind('.') == std::string_view::npos ? 0 : key.rfind('.') + 1);
  std::string known;
  std::string_view last;
  for (const Setting& setting : kSettings) {
    if (!setting.key.starts_with(section)) continue;
    const std::string_view rest = setting.key.substr(section.size());
    const std::string_view name = rest.substr(0, rest.find('.'));
    if (name != last) known += (known.empty() ? "" : ", ") + std::string{name};
    last = name;
  }
  return known;
}

// A setting's or a section's, whole or as it is written in its section.
bool is_known_name(std::string_view name) {
  const std::string dotted = "." + std::string{name} + ".";
  return std::ranges::any_of(kSettings, [&](const Setting& setting) {
    return ("." + std::string{setting.key} + ".").find(dotted) != std::string::npos;
  });
}

// " (at KEY)" of what stands before the sign in that line; nothing where there is none, or what is no name of ours: a
// secret in Base64 ends in "=", and what is printed may be read by more people than the file.
std::string key_in_line(std::string_view text, std::size_t line) {
  for (; line > 1; --line) text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  text = text.substr(0, text.find('\n'));
  const std::size_t sign = text.find('=');
  if (sign == std::string_view::npos) return {};
  text = text.substr(0, sign);
  const std::size_t first = std::min(text.find_first_not_of(" \t"), text.size());
  text = text.substr(first, text.find_last_not_of(" \t") + 1 - first);
  return is_known_name(text) ? " (at " + std::string{text} + ")" : "";
}

// The parser takes the parts of a dotted key by recursion, without a bound: 100,000 of them would end the process.
constexpr std::ptrdiff_t kDotsMax = 10'000;

class ConfigReader {
 public:
  explicit ConfigReader(std::string_view name) : name_(name) { config_.names.set_file(name); }

  void read_table(const toml::table& table, const std::string& section) {
    for (const auto& [key, node] : table) read_node(section + std::string{key.str()}, key.source(), node);
  }

  [[nodiscard]] Error error_at(const toml::source_region& where, const std::string& message) const {
    return {std::string{name_} + ":" + std::to_string(where.begin.line) + ": " + message};
  }

  // In the order of the file; a table has its keys in the alphabet's.
  [[nodiscard]] Config take() {
    for (const auto& [line, error] : errors_) config_.mistakes.add(error);
    return std::move(config_);
  }

 private:
  void note(const toml::source_region& where, const std::string& message) {
    errors_.emplace(where.begin.line, error_at(where, message));
  }

  void read_node(const std::string& key, const toml::source_region& where, const toml::node& node) {
    if (is_section(key)) {
      if (const toml::table* table = node.as_table()) return read_table(*table, key + ".");
      return note(where, "\"" + key + "\" is a section: write [" + key + "]");
    }
    for (const Setting& setting : kSettings) {
      if (setting.key != key) continue;
      Config changed = config_;  // what is read in part is not kept
      if (!setting.read(node, changed)) {
        config_.names.add_mistake(key);
        return note(where, "\"" + key + "\" takes " + std::string{setting.takes});
      }
      config_ = std::move(changed);
      return config_.names.add(key, where.begin.line);
    }
    note(where, "unknown key \"" + key + "\"; known here: " + known_keys(key));
  }

  std::string_view name_;
  Config config_;
  std::multimap<toml::source_index, Error> errors_;  // by their lines
};

}  // namespace

Result<Config, Error> parse_config(std::string_view toml, std::string_view name) {
  ConfigReader reader{name};
  if (std::count(toml.begin(), toml.end(), '.') > kDotsMax) {
    return err(Error{std::string{name} + ": more than " + std::to_string(kDotsMax) + " dots"});
  }
  const toml::parse_result parsed = toml::parse(toml, name);
  if (parsed.failed()) {
    const toml::source_region& where = parsed.error().source();
    return err(reader.error_at(where, "this is not TOML" + key_in_line(toml, where.begin.line) + ": " +
                                          std::string{parsed.error().description()}));
  }
  reader.read_table(parsed.table(), {});
  return reader.take();
}

}  // namespace plait::server
