#include "core/executor.hpp"

#include <memory>
#include <optional>
#include <utility>

#include "core/bounded.hpp"
#include "core/guard.hpp"

namespace plait {

class Timer::Impl final : public core::Timer {
 public:
  Impl(Executor& executor, std::function<void()> on_timer)
      : executor_(executor), call_(std::make_shared<std::function<void()>>(std::move(on_timer))) {}

  void start(Duration delay, std::optional<Duration> interval) {
    interval_ = interval;
    executor_.schedule(*this, executor_.now() + core::bounded(delay));
  }

 private:
  void on_timer(TimePoint now) override {
    if (interval_) {
      const TimePoint next = deadline() + *interval_;
      executor_.schedule(*this, next > now ? next : now + *interval_);
    }
    const auto call = call_;  // which may destroy this
    core::guarded("a timer's function", *call);
  }

  Executor& executor_;
  const std::shared_ptr<std::function<void()>> call_;
  std::optional<Duration> interval_;
};

Timer::Timer(Executor& executor, std::function<void()> on_timer)
    : impl_(std::make_unique<Impl>(executor, std::move(on_timer))) {}
Timer::~Timer() = default;

void Timer::after(Duration delay) { impl_->start(delay, std::nullopt); }
void Timer::every(Duration interval) { impl_->start(interval, core::bounded(interval)); }
void Timer::cancel() { impl_->cancel(); }
bool Timer::is_set() const { return impl_->armed(); }

}  // namespace plait
