#include "server/system_report.hpp"

#include <sys/resource.h>
#include <sys/utsname.h>

#include <fstream>
#include <sstream>

#include "codec/json_writer.hpp"
#include "net/affinity.hpp"

namespace plait::server {
namespace {

constexpr std::uint64_t kFilesWanted = 65'536;  // one per connection, and a few more
constexpr std::uint64_t kBacklogWanted = 4'096;
constexpr std::uint64_t kBufferWanted = 4 << 20;

std::string read_setting(const std::string& name) {
  std::ifstream file{"/proc/sys/" + name};
  std::string text;
  std::getline(file, text);
  return text;
}

std::uint64_t last_number(const std::string& text) {
  std::istringstream words{text};
  std::uint64_t number = 0;
  while (words >> number) {
  }
  return number;
}

void add_machine(std::vector<SystemFact>& facts) {
  utsname names{};
  if (uname(&names) == 0) facts.push_back({"kernel", std::string{names.sysname} + " " + names.release, {}});
  facts.push_back({"CPUs for this process", std::to_string(net::available_cpus().size()), {}});
}

void add_file_limit(std::vector<SystemFact>& facts) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  SystemFact fact{
      "open files", std::to_string(limit.rlim_cur) + " (hard limit " + std::to_string(limit.rlim_max) + ")", {}};
  if (limit.rlim_max < kFilesWanted) {  // plait serve raises its soft limit by itself
    fact.advice = "each connection needs one: ulimit -Hn " + std::to_string(kFilesWanted) +
                  " as root, or LimitNOFILE= in a systemd unit";
  }
  facts.push_back(std::move(fact));
}

/// A setting whose last number should be at least `wanted`.
void add_setting(std::vector<SystemFact>& facts, const std::string& name, std::uint64_t wanted, const char* why) {
  const std::string value = read_setting(name);
  if (value.empty()) return;
  SystemFact fact{name, value, {}};
  if (last_number(value) < wanted) fact.advice = std::string{why} + ": at least " + std::to_string(wanted);
  facts.push_back(std::move(fact));
}

void add_congestion_control(std::vector<SystemFact>& facts) {
  const std::string value = read_setting("net/ipv4/tcp_congestion_control");
  if (value.empty()) return;
  const bool is_bbr = value == "bbr";
  facts.push_back({"net/ipv4/tcp_congestion_control", value,
                   is_bbr ? "bbr halves bulk transfer over loopback: use cubic when benchmarking on one machine" : ""});
}

}  // namespace

std::vector<SystemFact> examine_system() {
  std::vector<SystemFact> facts;
  add_machine(facts);
  add_file_limit(facts);
  add_setting(facts, "fs/nr_open", kFilesWanted, "the most files that one process may open");
  add_setting(facts, "net/core/somaxconn", kBacklogWanted, "connections that may wait to be accepted");
  add_setting(facts, "net/ipv4/tcp_max_syn_backlog", 1'024, "connections half open");
  add_setting(facts, "net/ipv4/tcp_rmem", kBufferWanted, "receive buffer of one socket");
  add_setting(facts, "net/ipv4/tcp_wmem", kBufferWanted, "send buffer of one socket");
  add_congestion_control(facts);
  return facts;
}

std::string to_json(const std::vector<SystemFact>& facts) {
  std::string text;
  codec::JsonWriter json{text};
  json.begin_object().key("facts").begin_array();
  for (const SystemFact& fact : facts) {
    json.begin_object().member("name", fact.name).member("value", fact.value).member("advice", fact.advice);
    json.end_object();
  }
  json.end_array().end_object();
  return text;
}

}  // namespace plait::server
