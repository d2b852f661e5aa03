#include "transport/loop_context.hpp"

#include <plait/log.hpp>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "core/guard.hpp"
#include "http/date.hpp"
#include "net/listen_advice.hpp"

namespace plait::transport {
namespace {

constexpr std::chrono::seconds kGoodbyeTime{1};
constexpr std::size_t kIdleTriesMax = 64;  // each takes two system calls
// A flood of half-open connections must not keep everybody else out, nor a crowd of honest clients each other: who
// comes would cut whoever came just before, and nobody would ever get in.
constexpr std::chrono::seconds kHandshakePatience{1};

// Whether the first of `a` does than the first of `b`.
bool waits_longer(const LoopContext::Waiters& a, const LoopContext::Waiters& b) {
  return !a.empty() && (b.empty() || a.front().since < b.front().since);
}

}  // namespace

SessionId LoopContext::put(std::unique_ptr<LoopEntry> entry, std::optional<SessionId> id) {
  if (!id) return entries.add(std::move(entry), index);
  loop.retire(entries.replace(*id, std::move(entry)));
  return *id;
}

void LoopContext::warn_of_shortage(int system_errno) {
  const std::string advice = net::accept_advice(system_errno);
  accept_warning.give(loop.now(), std::string{"there is no room for more connections: "} + std::strerror(system_errno) +
                                      (advice.empty() ? "" : ": " + advice));
}

void LoopContext::note_failed_handshake(const std::string& peer, std::string_view reason, bool proven) {
  counters.handshakes_failed.add();
  std::string line = (peer + " handshake failed: ").append(reason);
  if (proven) return log(LogLevel::info, line);
  if (const std::uint64_t count = unproven_failure.left_out_count(); count > 0) {
    line += "; " + std::to_string(count) + " more from unproven addresses before it have no line";
  }
  unproven_failure.give(loop.now(), line, LogLevel::info);
}

void LoopContext::note_refused_request(const std::string& peer, int status) {
  log(LogLevel::info, peer + " - - " + std::to_string(status));
}

void LoopContext::note_refused_opening(const std::string& peer, std::string_view method, int status) {
  counters.openings_refused(status).add();
  log(LogLevel::info, (peer + " ").append(method).append(" - ").append(std::to_string(status)));
}

void LoopContext::run(SessionId id, const std::function<void(Session&)>& task) {
  LoopEntry* entry = entries.find(id);
  Session* session = entry == nullptr ? nullptr : entry->session();
  if (session == nullptr) return;
  const auto thrower = [&] { return core::Thrower{"a task posted to a session", "", session->peer()}; };
  if (!core::guarded(thrower, [&] { task(*session); })) {
    session->close(close_code::kInternalError, "internal error");
  }
}

bool LoopContext::admits_connection() {
  const auto has_room = [this] { return connection_count.load(std::memory_order_relaxed) < limits.connections_max; };
  if (has_room()) return true;
  full_warning.give(loop.now(), "there are as many connections as connections_max allows (" +
                                    std::to_string(limits.connections_max) +
                                    "): more are refused, unless idle HTTP connections make room; raise it");
  return make_room() && has_room();
}

bool LoopContext::free_descriptor() { return evict_idle(idle) || evict_handshake(handshakes); }

bool LoopContext::make_room() {
  const bool quic_waits_longer = waits_longer(quic_idle, idle);
  if (evict_idle(quic_waits_longer ? quic_idle : idle) || evict_idle(quic_waits_longer ? idle : quic_idle)) return true;
  return evict_handshake(waits_longer(quic_handshakes, handshakes) ? quic_handshakes : handshakes);
}

// Who seems idle may have its last response or next request under way: its turn comes again behind the others.
bool LoopContext::evict_idle(Waiters& waiters) {
  for (std::size_t left = std::min(waiters.size(), kIdleTriesMax); left > 0; --left) {
    LoopEntry& longest = *waiters.front().connection;
    if (longest.is_quiet()) {
      counters.connections_refused.add();
      longest.give_way({.reason = "idle connections make room for new ones"});
      return true;
    }
    waiters.splice(waiters.end(), waiters, waiters.begin());
  }
  return false;
}

bool LoopContext::evict_handshake(const Waiters& waiters) {
  if (waiters.empty() || loop.now() - waiters.front().since < kHandshakePatience) return false;
  counters.connections_refused.add();
  waiters.front().connection->give_way({.reason = "an opening handshake that takes long makes room for new ones"});
  return true;
}

// A turn frees what was retired and sends a bounded number of QUIC's goodbyes.
void LoopContext::end_connections() {
  entries.for_each([](LoopEntry& entry) { entry.abort({}); });
  loop.run_once(Duration::zero());
  for (const auto end = loop.now() + kGoodbyeTime; entries.size() > 0 && loop.now() < end;) {
    loop.run_once(std::chrono::milliseconds{1});
  }
  entries.clear();
}

std::string_view LoopContext::http_date() {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  if (date_.empty() || now != date_time_) {
    date_ = http::imf_fixdate(now);
    date_time_ = now;
  }
  return date_;
}

}  // namespace plait::transport
