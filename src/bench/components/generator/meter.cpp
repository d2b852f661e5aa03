#include "bench/components/generator/meter.hpp"

#include "bench/components/units.hpp"
#include "bench/json_text.hpp"

namespace plait::bench {

Meter::Meter(const Plan& plan) : server_(static_cast<pid_t>(plan.server_pid)), has_server_(plan.server_pid != 0) {}

Meter::Clocks Meter::read_clocks() const {
  return {has_server_ ? server_.cpu_seconds() : 0, own_cpu_seconds(), machine_idle_seconds()};
}

void Meter::begin(std::uint64_t now) {
  measuring_ = true;
  at_begin_ = read_clocks();
  begin_ = slot_begin_ = now;
  slot_end_ = now + kSecond;
}

void Meter::end(std::uint64_t now) {
  close_slot(now);
  measuring_ = false;
  end_ = now;
  at_end_ = read_clocks();
}

void Meter::close_slot(std::uint64_t now) {
  // A last slot shorter than half a second would say more about where it was cut than about the rate.
  const bool worth_it = now - slot_begin_ >= kSecond / 2 || per_second_.empty();
  if (worth_it && now > slot_begin_) {
    per_second_.push_back(per_second(messages_ - slot_messages_, std::chrono::nanoseconds(now - slot_begin_)));
  }
  slot_begin_ = now;
  slot_end_ = now + kSecond;
  slot_messages_ = messages_;
}

Value Meter::report() const {
  const double seconds = static_cast<double>(end_ - begin_) / 1e9;
  const double server_cpu = at_end_.server_cpu - at_begin_.server_cpu;
  const double client_cpu = at_end_.own_cpu - at_begin_.own_cpu;
  const double busy = seconds * cpu_count() - (at_end_.machine_idle - at_begin_.machine_idle);
  Value out;
  out.add("seconds", seconds);
  out.add("messages", static_cast<double>(messages_));
  out.add("payload_bytes", static_cast<double>(bytes_));
  out.add("late", static_cast<double>(late_));
  out.add("lost", static_cast<double>(lost_));
  if (has_rates_) out.add("per_second", array_of(per_second_));
  out.add("server_cpu_seconds", server_cpu);
  out.add("client_cpu_seconds", client_cpu);
  out.add("other_cpu_seconds", busy - server_cpu - client_cpu);
  if (latency_.count() == 0) return out;
  const auto us = [](std::uint64_t value) { return Value{microseconds(value)}; };
  Value latency;
  latency.add("min", us(latency_.min()));
  latency.add("mean", latency_.mean() / 1e3);
  for (const auto& [name, percent] :
       {std::pair{"p50", 50.0}, {"p90", 90.0}, {"p95", 95.0}, {"p99", 99.0}, {"p999", 99.9}}) {
    latency.add(name, us(latency_.percentile(percent)));
  }
  latency.add("max", us(latency_.max()));
  out.add("latency_us", latency);
  return out;
}

}  // namespace plait::bench
