#include "bench/components/generator/plan.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
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
    {"delay-ms", &Plan::delay_ms},
    {"loss-percent", &Plan::loss_percent},
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

/// What is wrong with a plan whose words are all known; empty when nothing is.
std::string_view mistake_in(const Plan& plan) {
  const Url& url = plan.url;
  const LoadMode mode = plan.mode;
  const std::uint64_t counts[] = {plan.connections, plan.payload_bytes, plan.depth, plan.burst, plan.window};
  struct Rule {
    bool holds;
    std::string_view sentence;
  };
  const Rule rules[] = {
      {url.port != 0, "url= is required, with a port"},
      {*std::min_element(std::begin(counts), std::end(counts)) > 0,
       "connections, payload, depth, burst and window are at least 1"},
      {plan.seconds > 0, "seconds is above zero"},
      {!url.is_broker() || mode == LoadMode::fanout, "a broker is for mode=fanout"},
      {!url.is_yardstick() || mode == LoadMode::bulk || mode == LoadMode::handshake,
       "a yardstick is for mode=bulk and mode=handshake"},
      {mode != LoadMode::bulk || url.has_streams() || url.is_yardstick(),
       "mode=bulk is for https:, quic: and the yardsticks"},
      {mode != LoadMode::bulk || plan.total_bytes > 0, "mode=bulk needs total="},
      {mode != LoadMode::stream || plan.total_bytes > 0 || url.has_streams(),
       "mode=stream needs total= but for https: and quic:"},
      {mode != LoadMode::datagram || url.has_streams(), "mode=datagram is for https: and quic:"},
      {mode != LoadMode::handshake || url.scheme == "https" || url.scheme == "quic-bulk",
       "mode=handshake is for https: and quic-bulk:"},
      {!has_path(plan) || url.has_streams() || url.scheme == "quic-bulk",
       "delay-ms= and loss-percent= are for https:, quic: and quic-bulk:"},
      {plan.loss_percent >= 0 && plan.loss_percent < 100, "loss-percent is at least 0 and below 100"},
  };
  const auto broken = std::find_if(std::begin(rules), std::end(rules), [](const Rule& rule) { return !rule.holds; });
  return broken == std::end(rules) ? std::string_view{} : broken->sentence;
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
  if (const auto mistake = mistake_in(plan); !mistake.empty()) return err(Error{fmt::format("generator: {}", mistake)});
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
