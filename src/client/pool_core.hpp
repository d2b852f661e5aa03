// PoolCore: what is lent, what is idle, and who waits. Knows nothing of what it lends.
#pragma once

#include <plait/pool.hpp>

#include <algorithm>
#include <deque>
#include <functional>
#include <utility>
#include <vector>

#include "core/bounded.hpp"
#include "core/executor.hpp"
#include "core/guard.hpp"

namespace plait::client {

template <class Item>
class PoolCore final : private core::Timer {
 public:
  using Acquired = std::function<void(Result<Item*, Error>)>;
  /// Begins to open one; handle_opened() or handle_failed() follows, also inside. Errors: it did not even begin.
  using Open = std::function<Result<void, Error>()>;

  /// Whether one that is idle is still good for anything; on those that are not, handle_ended() follows.
  using IsUsable = std::function<bool(Item&)>;

  PoolCore(core::Executor& executor, const PoolOptions& options, Open open, IsUsable is_usable)
      : executor_(executor), options_(options), open_(std::move(open)), is_usable_(std::move(is_usable)) {}

  void acquire(Acquired done) {
    if (ended_) return tell(done, err(Error{kEnded}));
    if (Item* item = take_idle()) return lend(*item, done);
    if (waiting_.size() >= options_.waiting_max)
      return tell(done, err(Error{"the pool is busy, and too many wait for it"}));
    waiting_.push_back({std::move(done), executor_.now() + core::bounded(options_.acquire_timeout)});
    if (!armed()) executor_.schedule(*this, waiting_.front().deadline);
    open_more();
  }
  void release(Item& item) {
    if (std::erase(lent_, &item) == 0) return;
    idle_.push_back(&item);
    serve();
  }

  [[nodiscard]] bool has(Item& item) const {
    return std::ranges::find(idle_, &item) != idle_.end() || std::ranges::find(lent_, &item) != lent_.end();
  }

  void handle_opened(Item& item) {
    --stats_.opening;
    ++stats_.opened_total;
    idle_.push_back(&item);
    serve();
  }
  void handle_failed(const Error& error) {
    --stats_.opening;
    note_failure(error);
    open_more();
  }
  /// It is over, wherever it was. Whether nobody had it.
  bool handle_ended(Item& item) {
    const bool was_idle = std::erase(idle_, &item) > 0;
    std::erase(lent_, &item);
    open_more();
    return was_idle;
  }
  /// Nobody gets one any more, nor who asks again when told so.
  void end() {
    ended_ = true;
    cancel();
    for (Waiting& one : std::exchange(waiting_, {})) tell(one.done, err(Error{kEnded}));
  }

  [[nodiscard]] PoolStats stats() const {
    PoolStats stats = stats_;
    stats.idle = idle_.size();
    stats.lent = lent_.size();
    stats.waiting = waiting_.size();
    return stats;
  }

 private:
  static constexpr const char* kEnded = "the pool has ended";

  struct Waiting {
    Acquired done;
    core::TimePoint deadline;
  };

  // What throws leaves the books of the pool alone.
  static void tell(const Acquired& done, Result<Item*, Error> result) {
    core::guarded("who acquired from a pool", [&] { done(std::move(result)); });
  }
  // The one that has been idle longest.
  Item* take_idle() {
    const auto found = std::ranges::find_if(idle_, [this](Item* item) { return is_usable_(*item); });
    if (found == idle_.end()) return nullptr;
    Item* item = *found;
    idle_.erase(found);
    return item;
  }
  void lend(Item& item, const Acquired& done) {
    lent_.push_back(&item);
    tell(done, &item);
  }
  Acquired take_first() {
    Acquired first = std::move(waiting_.front().done);
    waiting_.pop_front();
    return first;
  }
  void serve() {
    while (!waiting_.empty()) {
      Item* item = take_idle();
      if (item == nullptr) return;
      lend(*item, take_first());
    }
  }
  void note_failure(const Error& error) {
    ++stats_.failed_total;
    if (!waiting_.empty()) tell(take_first(), err(error));
  }
  void open_more() {
    while (stats_.opening < waiting_.size() && idle_.size() + lent_.size() + stats_.opening < options_.size_max) {
      ++stats_.opening;
      Result<void, Error> begun = err(Error{"its handler could not be made"});
      core::guarded("a pool's factory of handlers", [&] { begun = open_(); });
      if (!begun) {
        --stats_.opening;
        note_failure(begun.error());
      }
    }
  }
  // All wait equally long, so the first is the first whose time is over.
  void on_timer(core::TimePoint now) override {
    while (!waiting_.empty() && waiting_.front().deadline <= now) {
      tell(take_first(), err(Error{"no session or stream of the pool was free in time"}));
    }
    if (!waiting_.empty() && !armed()) executor_.schedule(*this, waiting_.front().deadline);
  }

  core::Executor& executor_;
  const PoolOptions options_;
  const Open open_;
  const IsUsable is_usable_;
  std::deque<Item*> idle_;
  std::vector<Item*> lent_;
  std::deque<Waiting> waiting_;
  PoolStats stats_;
  bool ended_ = false;
};

}  // namespace plait::client
