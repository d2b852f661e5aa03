// Pools of sessions and of streams. All on one client's thread; a pool is not to be destroyed inside one of its own
// callbacks.
#pragma once

#include <plait/client.hpp>
#include <plait/export.hpp>
#include <plait/result.hpp>
#include <plait/session.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace plait {

struct PoolOptions {
  /// Idle, lent and opening together.
  std::size_t size_max = 10;
  /// Who waits for one; beyond, acquire() fails at once.
  std::size_t waiting_max = 1000;
  /// From acquire() to its answer.
  Duration acquire_timeout = std::chrono::seconds{10};
};

struct PoolStats {
  std::size_t idle = 0;
  std::size_t lent = 0;
  std::size_t opening = 0;
  std::size_t waiting = 0;
  std::uint64_t opened_total = 0;
  std::uint64_t failed_total = 0;  ///< openings
};

/// Sessions to one URL that are lent and taken back. One that has ended is dropped at that moment and never handed out.
class PLAIT_API SessionPool {
 public:
  using Acquired = std::function<void(Result<Session*, Error>)>;

  /// `client` outlives the pool. `factory` makes the handler of each session.
  SessionPool(Client& client, std::string url, HandlerFactory factory, ConnectOptions connect = {},
              const PoolOptions& options = {});
  /// Cuts all its sessions; who waits is told.
  ~SessionPool();
  SessionPool(const SessionPool&) = delete;
  SessionPool& operator=(const SessionPool&) = delete;

  /// Lends the session that has been idle longest, inside this call; else the first that is released or opened, in the
  /// order of the calls. Errors: too many wait, the time is over, or a session could not be opened.
  void acquire(Acquired done);
  /// Takes a session back. Nothing for one that is not lent, has ended, or is not the pool's.
  void release(SessionId id);
  [[nodiscard]] PoolStats stats() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

/// Bidirectional streams of one session that are lent and taken back, so that a request costs no new stream. One that
/// is over, or has reset or stopped a side, is dropped.
class PLAIT_API StreamPool {
 public:
  using Acquired = std::function<void(Result<Stream*, Error>)>;

  /// `session` outlives the pool, and its handler wants_streams. `factory` makes the handler of each stream.
  StreamPool(Session& session, std::function<std::unique_ptr<StreamHandler>()> factory,
             const PoolOptions& options = {});
  /// Resets its streams; who waits is told.
  ~StreamPool();
  StreamPool(const StreamPool&) = delete;
  StreamPool& operator=(const StreamPool&) = delete;

  /// As SessionPool's.
  void acquire(Acquired done);
  void release(Stream& stream);
  [[nodiscard]] PoolStats stats() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace plait
