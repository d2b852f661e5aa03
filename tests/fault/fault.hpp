// Fault injection at the system-call boundary: makes the n-th call fail, calls fail periodically, transfers short.
//
// Use: plait_test(… LAYERS … fault), which links with --wrap for the system calls that src/net makes, then
//
//   for (int n = 1;; ++n) {
//     fault::Plan plan;
//     plan.fail_nth(n, ECONNRESET);
//     const fault::OpenFiles before;                 // no descriptor may leak
//     {
//       const fault::Injection injection{plan};      // on this thread, until the end of the block
//       exchange();                                  // the code under test: must neither crash nor hang
//     }
//     EXPECT_EQ(fault::OpenFiles{}, before);
//     if (plan.fired() == 0) break;                  // there is no n-th such call: every place was visited
//   }
//
// A plan's errno decides which calls it counts: those that can really fail so (can_fail_with), because a loop may
// rightly treat anything else as a programmer error. So the n of ECONNRESET counts reads and writes, the n of EMFILE
// what makes descriptors. Transient errnos (EINTR, EAGAIN, ECONNABORTED) must not change the outcome.
// Calls of other threads and of shared libraries (OpenSSL's, libc's own) are not touched.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>

namespace plait::fault {

enum class Call : std::uint8_t {
  recv,
  readv,
  read,
  send,
  sendmsg,
  write,
  accept4,
  connect,
  socket,
  epoll_create1,
  epoll_add,  ///< epoll_ctl; modifying and deleting need nothing that could be missing
  epoll_wait,
  eventfd,
  timerfd_create,
};
inline constexpr std::size_t kCallCount = 14;
static_assert(static_cast<std::size_t>(Call::timerfd_create) + 1 == kCallCount);

/// Whether Linux documents `system_errno` for `call` as net uses it (non-blocking; write() only for eventfds).
bool can_fail_with(Call call, int system_errno);

class Plan {
 public:
  /// The `n`-th (from 1) call that can fail with `system_errno` does.
  Plan& fail_nth(int n, int system_errno);
  /// Every `period`-th such call does; at least 2, so that a repeated call succeeds.
  Plan& fail_every(int period, int system_errno);
  /// recv, readv, send and sendmsg move at most `bytes_max` bytes; epoll tells of what a read left as if it had come
  /// behind it.
  Plan& shorten_transfers(std::size_t bytes_max = 1);

  /// How many calls were made to fail.
  [[nodiscard]] int fired() const { return fired_; }
  /// Which call failed last, for messages: "recv".
  [[nodiscard]] std::string last() const;
  /// How many calls of one kind were made, those that were made to fail too.
  [[nodiscard]] int made(Call call) const { return made_.at(static_cast<std::size_t>(call)); }

  /// For the wrappers: 0 or the errno that this call must fail with.
  int next(Call call);
  [[nodiscard]] std::size_t transfer_bytes_max() const { return transfer_bytes_max_; }

 private:
  int errno_ = 0;
  int n_ = 0;
  int period_ = 0;
  int counted_ = 0;
  int fired_ = 0;
  Call last_{};
  std::array<int, kCallCount> made_{};
  std::size_t transfer_bytes_max_ = SIZE_MAX;
};

/// Applies `plan` to this thread's calls during its life. One at a time per thread.
class Injection {
 public:
  explicit Injection(Plan& plan);
  Injection(const Injection&) = delete;
  Injection& operator=(const Injection&) = delete;
  ~Injection();
};

/// The descriptors that this process has open, with what they are: differing sets name the leak.
class OpenFiles {
 public:
  OpenFiles();
  bool operator==(const OpenFiles&) const = default;
  friend std::ostream& operator<<(std::ostream& out, const OpenFiles& files);

 private:
  std::set<std::string> files_;
};

}  // namespace plait::fault
