#include <plait/pool.hpp>

#include <algorithm>
#include <utility>

#include "client/client_impl.hpp"
#include "core/assert.hpp"
#include "core/bounded.hpp"
#include "transport/handler_proxy.hpp"
#include "transport/no_session.hpp"

namespace plait {
namespace {

constexpr int kLatencyWeight = 8;  // of the past against one new value

}  // namespace

class LoadBalancer::Impl : public std::enable_shared_from_this<LoadBalancer::Impl>, private core::Timer {
 public:
  Impl(Client& client, std::vector<BalanceTarget> targets, ConnectOptions connect, const BalancerOptions& options)
      : client_(client), context_(ClientAccess::context(client)), connect_(std::move(connect)), options_(options) {
    PLAIT_ASSERT(!targets.empty(), "a load balancer needs a target");
    for (BalanceTarget& target : targets) {
      targets_.push_back({.stats = {.url = std::move(target.url)}, .weight = target.weight});
    }
    schedule();
  }

  void connect(std::unique_ptr<SessionHandler> handler) {
    PLAIT_ASSERT(handler != nullptr, "a session needs a handler");  // there is nobody else to tell
    attempt(std::make_shared<Opening>(std::move(handler), std::vector<bool>(targets_.size())), {});
  }
  void check();
  [[nodiscard]] std::vector<TargetStats> stats() const {
    std::vector<TargetStats> all;
    for (const Target& target : targets_) all.push_back(target.stats);
    return all;
  }

 private:
  class Member;
  class Probe;
  // A session that is wanted, from attempt to attempt.
  struct Opening {
    Opening(std::unique_ptr<SessionHandler> own_handler, std::vector<bool> none)
        : handler(std::move(own_handler)), tried(std::move(none)) {}
    const std::unique_ptr<SessionHandler> handler;
    std::vector<bool> tried;  // by target
  };
  struct Target {
    TargetStats stats;
    std::uint32_t weight = 1;
    std::int64_t turn = 0;  // of smooth weighted round robin: the highest is next
  };

  void on_timer(core::TimePoint) override {
    check();
    schedule();
  }
  void schedule() {
    if (options_.check_interval <= Duration::zero()) return;
    context_.loop.schedule(*this, context_.loop.now() + core::bounded(options_.check_interval));
  }

  /// `last` is why the attempt before failed.
  void attempt(const std::shared_ptr<Opening>& opening, Error last);
  [[nodiscard]] std::size_t choose(const std::vector<bool>& tried);
  [[nodiscard]] std::size_t take_turn(const std::vector<std::size_t>& candidates);
  void note_opened(std::size_t index, core::TimePoint asked_at);
  void note_failed(std::size_t index) {
    ++targets_[index].stats.failed_total;
    targets_[index].stats.is_healthy = false;
  }

  Client& client_;
  transport::LoopContext& context_;
  const ConnectOptions connect_;
  const BalancerOptions options_;
  std::vector<Target> targets_;
};

// The handler of one attempt, with the user's own, which goes on to the next attempt if this one fails.
class LoadBalancer::Impl::Member final : public transport::HandlerProxy {
 public:
  Member(std::weak_ptr<Impl> balancer, std::shared_ptr<Opening> opening, std::size_t index)
      : HandlerProxy(*opening->handler),
        balancer_(std::move(balancer)),
        opening_(std::move(opening)),
        index_(index),
        asked_at_(std::chrono::steady_clock::now()) {}
  void on_open(Session& session) override {
    is_open_ = true;
    if (const auto balancer = balancer_.lock()) {
      balancer->note_opened(index_, asked_at_);
      ++balancer->targets_[index_].stats.open_count;
    }
    HandlerProxy::on_open(session);
  }
  void on_close(Session& session, const CloseInfo& info) override {
    const auto balancer = balancer_.lock();
    if (is_open_ || balancer == nullptr) {
      if (balancer != nullptr) --balancer->targets_[index_].stats.open_count;
      return HandlerProxy::on_close(session, info);
    }
    balancer->note_failed(index_);
    balancer->attempt(opening_, {.message = info.reason, .status = info.status});
  }

 private:
  const std::weak_ptr<Impl> balancer_;
  const std::shared_ptr<Opening> opening_;
  const std::size_t index_;
  const core::TimePoint asked_at_;
  bool is_open_ = false;
};

// Opens a session and closes it.
class LoadBalancer::Impl::Probe final : public SessionHandler {
 public:
  Probe(std::weak_ptr<Impl> balancer, std::size_t index)
      : balancer_(std::move(balancer)), index_(index), asked_at_(std::chrono::steady_clock::now()) {}
  void on_open(Session& session) override {
    is_open_ = true;
    if (const auto balancer = balancer_.lock()) balancer->note_opened(index_, asked_at_);
    session.close();
  }
  void on_close(Session&, const CloseInfo&) override {
    if (const auto balancer = balancer_.lock(); balancer != nullptr && !is_open_) balancer->note_failed(index_);
  }

 private:
  const std::weak_ptr<Impl> balancer_;
  const std::size_t index_;
  const core::TimePoint asked_at_;
  bool is_open_ = false;
};

// Until one attempt is under way: a URL that cannot be used fails at once. For any other error of the call the target
// can do nothing, nor would another be any better.
void LoadBalancer::Impl::attempt(const std::shared_ptr<Opening>& opening, Error last) {
  while (std::ranges::find(opening->tried, false) != opening->tried.end()) {
    const std::size_t index = choose(opening->tried);
    opening->tried[index] = true;
    const auto id = client_.connect(targets_[index].stats.url,
                                    std::make_unique<Member>(weak_from_this(), opening, index), connect_);
    if (id) return;
    if (parse_connect_url(targets_[index].stats.url)) {
      return transport::tell_not_opened(*opening->handler, {.reason = id.error().message}, context_.loop);
    }
    note_failed(index);
    last = id.error();
  }
  transport::tell_not_opened(*opening->handler,
                             {.reason = "no server could be reached; the last: " + last.message, .status = last.status},
                             context_.loop);
}

// Those that are healthy, and only if there is none, the others.
std::size_t LoadBalancer::Impl::choose(const std::vector<bool>& tried) {
  std::vector<std::size_t> candidates;
  for (const bool healthy : {true, false}) {
    for (std::size_t i = 0; i < targets_.size() && candidates.size() < targets_.size(); ++i) {
      if (!tried[i] && targets_[i].stats.is_healthy == healthy) candidates.push_back(i);
    }
    if (!candidates.empty()) break;
  }
  if (options_.policy != BalancePolicy::least_latency) return take_turn(candidates);
  return *std::ranges::min_element(candidates, {}, [this](std::size_t i) { return targets_[i].stats.latency; });
}

// Smooth weighted round robin: each gains its weight, and who is chosen pays for all.
std::size_t LoadBalancer::Impl::take_turn(const std::vector<std::size_t>& candidates) {
  const auto weight_of = [this](std::size_t i) {
    return options_.policy == BalancePolicy::weighted ? std::max<std::int64_t>(targets_[i].weight, 1) : 1;
  };
  std::int64_t total = 0;
  for (const std::size_t i : candidates) {
    targets_[i].turn += weight_of(i);
    total += weight_of(i);
  }
  const std::size_t chosen =
      *std::ranges::max_element(candidates, {}, [this](std::size_t i) { return targets_[i].turn; });
  targets_[chosen].turn -= total;
  return chosen;
}

void LoadBalancer::Impl::note_opened(std::size_t index, core::TimePoint asked_at) {
  TargetStats& stats = targets_[index].stats;
  const Duration latency = std::chrono::steady_clock::now() - asked_at;
  stats.latency = stats.latency == Duration{} ? latency : stats.latency + (latency - stats.latency) / kLatencyWeight;
  ++stats.opened_total;
  stats.is_healthy = true;
}

void LoadBalancer::Impl::check() {
  ConnectOptions options = connect_;
  options.timeout = options_.check_timeout;
  for (std::size_t i = 0; i < targets_.size(); ++i) {
    const auto id = client_.connect(targets_[i].stats.url, std::make_unique<Probe>(weak_from_this(), i), options);
    if (!id && !parse_connect_url(targets_[i].stats.url)) note_failed(i);
  }
}

LoadBalancer::LoadBalancer(Client& client, std::vector<BalanceTarget> targets, ConnectOptions connect,
                           const BalancerOptions& options)
    : impl_(std::make_shared<Impl>(client, std::move(targets), std::move(connect), options)) {}
LoadBalancer::~LoadBalancer() = default;

void LoadBalancer::connect(std::unique_ptr<SessionHandler> handler) { impl_->connect(std::move(handler)); }
void LoadBalancer::check() { impl_->check(); }
std::vector<TargetStats> LoadBalancer::stats() const { return impl_->stats(); }

}  // namespace plait
