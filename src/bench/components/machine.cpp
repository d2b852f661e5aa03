#include "bench/components/machine.hpp"

#include "bench/accounting.hpp"
#include "bench/text_file.hpp"

#include <plait/config.hpp>

#include <fmt/core.h>
#include <openssl/crypto.h>
#include <sys/utsname.h>

#include <ctime>

namespace plait::bench {

namespace {

std::string first_line(const std::string& path) {
  const std::string text = read_text_file(path);
  return text.substr(0, text.find('\n'));
}

std::string date_text() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02} UTC", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour,
                     utc.tm_min);
}

}  // namespace

std::string parse_cpu_model(std::string_view cpuinfo) {
  const auto field = cpuinfo.find("model name");
  if (field == std::string_view::npos) return {};
  const auto colon = cpuinfo.find(':', field);
  const auto end = cpuinfo.find('\n', field);
  if (colon == std::string_view::npos || colon + 2 > end) return {};
  return std::string{cpuinfo.substr(colon + 2, end - colon - 2)};
}

MachineFacts describe_machine() {
  utsname system{};
  uname(&system);
  const std::string memory = first_line("/proc/meminfo");
  const auto digits = memory.find_first_of("0123456789");
  return {
      {"date", date_text()},
      {"CPU", fmt::format("{} × {}", cpu_count(), parse_cpu_model(read_text_file("/proc/cpuinfo")))},
      {"memory", digits == std::string::npos ? "unknown" : memory.substr(digits)},
      {"kernel", fmt::format("{} {} {}", system.sysname, system.release, system.machine)},
      {"TCP congestion control, but in bulk rows", first_line("/proc/sys/net/ipv4/tcp_congestion_control")},
      {"socket buffers at most, receiving and sending",
       fmt::format("{} and {} B", first_line("/proc/sys/net/core/rmem_max"),
                   first_line("/proc/sys/net/core/wmem_max"))},
      {"MTU of the loopback interface", first_line("/sys/class/net/lo/mtu")},
      {"clock source", first_line("/sys/devices/system/clocksource/clocksource0/current_clocksource")},
      {"compiler", fmt::format("GCC-compatible {}", __VERSION__)},
      {"OpenSSL", OpenSSL_version(OPENSSL_VERSION)},
      {"plait", kVersion},
      {"load average at the start", first_line("/proc/loadavg")},
  };
}

}  // namespace plait::bench
