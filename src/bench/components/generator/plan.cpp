#include "bench/components/generator/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <variant>

namespace plait::bench {

namespace {

constexpr std::array<std::string_view, 8> kModes = {"echo",   "connect",  "fanout",    "idle",
                                                    "stream", "datagram", "handshake", "bulk"};
constexpr std::array<std::string_view, 3> kOpeningSteps = {"session", "settings", "handshake"};
constexpr std::array<std::string_view, 3> kDirections = {"download", "upload", "concurrent"};

struct Field {
  std::string_view key;
  std::variant<std::uint64_t Plan::*, double Plan::*, bool Plan::*> member;
};

constexpr auto kFields = std::to_array<Field>({
    {"connections", &Plan::connections},
    {"payload", &Plan::payload_bytes},
    {"depth", &Plan::depth},
    {"rate", &Plan::rate},
    {"count", &Plan::count},
    {"warmup", &Plan::warmup_seconds},
    {"seconds", &Plan::seconds},
    {"burst", &Plan::burst},
    {"window", &Plan::window},
    {"total", &Plan::total_bytes},
    {"verify", &Plan::verify},
    {"deflate", &Plan::deflate},
    {"spin", &Plan::spin},
    {"touch", &Plan::touch},
    {"literal", &Plan::literal},
    {"datagrams", &Plan::datagrams},
    {"resume", &Plan::resume},
    {"packet-bytes", &Plan::packet_bytes},
    {"server-pid", &Plan::server_pid},
});

template <class Number>
bool read_number(std::string_view text, Number& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size();
}

bool store(Plan& plan, const Field& field, std::string_view value) {
  if (const auto* number = std::get_if<std::uint64_t Plan::*>(&field.member)) return read_number(value, plan.**number);
  if (const auto* real = std::get_if<double Plan::*>(&field.member)) return read_number(value, plan.**real);
  if (value != "0" && value != "1") return false;
  plan.*std::get<bool Plan::*>(field.member) = value == "1";
  return true;
}

std::string print(const Plan& plan, const Field& field) {
  return std::visit([&](auto member) { return fmt::format("{}={}", field.key, +(plan.*member)); }, field.member);
}

template <class Enum, std::size_t count>
bool read_name(const std::array<std::string_view, count>& names, std::string_view text, Enum& out) {
  const auto found = std::find(names.begin(), names.end(), text);
  if (found == names.end()) return false;
  out = static_cast<Enum>(found - names.begin());
  return true;
}

bool apply(Plan& plan, std::string_view key, std::string_view value) {
  if (key == "mode") return read_name(kModes, value, plan.mode);
  if (key == "direction") return read_name(kDirections, value, plan.direction);
  if (key == "until") return read_name(kOpeningSteps, value, plan.until);
  if (key == "url") {
    auto url = parse_url(value);
    if (url) plan.url = std::move(*url);
    return url.has_value();
  }
  const auto field = std::find_if(kFields.begin(), kFields.end(), [&](const Field& f) { return f.key == key; });
  return field != kFields.end() && store(plan, *field, value);
}

bool is_sound(const Plan& plan) {
  return plan.url.port != 0 && plan.connections > 0 && plan.payload_bytes > 0 && plan.depth > 0 && plan.burst > 0 &&
         plan.window > 0 && plan.seconds > 0 && (!plan.url.is_broker() || plan.mode == LoadMode::fanout) &&
         (plan.mode != LoadMode::bulk || plan.total_bytes > 0) &&
         (!plan.url.is_yardstick() || plan.mode == LoadMode::bulk || plan.mode == LoadMode::handshake) &&
         (plan.mode != LoadMode::stream || plan.total_bytes > 0 || plan.url.has_streams()) &&
         (plan.mode != LoadMode::datagram || plan.url.has_streams()) &&
         (plan.mode != LoadMode::handshake || plan.url.scheme == "https" || plan.url.scheme == "quic-bulk") &&
         (plan.mode != LoadMode::bulk || plan.url.has_streams() || plan.url.is_yardstick());
}

}  // namespace

Result<Plan, Error> parse_plan(std::span<const std::string> arguments) {
  Plan plan;
  for (const std::string& argument : arguments) {
    const auto equals = argument.find('=');
    const std::string_view text = argument;
    if (equals == std::string::npos || !apply(plan, text.substr(0, equals), text.substr(equals + 1))) {
      return err(Error{"generator: '" + argument + "' is no key=value that it knows"});
    }
  }
  if (!is_sound(plan))
    return err(Error{"generator: a url with a port (of a broker: in mode fanout) and counts above zero are required"});
  return plan;
}

std::vector<std::string> to_arguments(const Plan& plan) {
  std::vector<std::string> out{
      "url=" + plan.url.text(),
      fmt::format("mode={}", kModes[static_cast<std::size_t>(plan.mode)]),
      fmt::format("direction={}", kDirections[static_cast<std::size_t>(plan.direction)]),
      fmt::format("until={}", kOpeningSteps[static_cast<std::size_t>(plan.until)]),
  };
  for (const Field& field : kFields) out.push_back(print(plan, field));
  return out;
}

}  // namespace plait::bench
