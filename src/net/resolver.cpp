#include "net/resolver.hpp"

#include <deque>
#include <mutex>
#include <utility>

#include "net/thread.hpp"

namespace plait::net {
namespace {

constexpr std::size_t kThreadsMax = 4;

// What a thread answers to. Only the loop's thread looks into it.
struct Asked {
  Resolver::Done done;
};

struct Job {
  Address address;
  std::weak_ptr<Asked> asked;  // the query's: gone with it
};

class AskedQuery final : public Resolver::Query {
 public:
  explicit AskedQuery(std::shared_ptr<Asked> asked) : asked_(std::move(asked)) {}
  AskedQuery(const AskedQuery&) = delete;
  AskedQuery& operator=(const AskedQuery&) = delete;
  ~AskedQuery() override { asked_->done = nullptr; }

 private:
  std::shared_ptr<Asked> asked_;
};

void answer(const std::shared_ptr<Asked>& asked, Result<Addresses, Error> found) {
  if (const Resolver::Done done = std::exchange(asked->done, nullptr)) done(std::move(found));
}

}  // namespace

struct Resolver::State {
  State(Loop& own_loop, LookUp own_look_up) : look_up(std::move(own_look_up)), loop(&own_loop) {}

  /// With the mutex held, so that the loop is there.
  void post(const std::shared_ptr<Asked>& asked, Result<Addresses, Error> found) const {
    if (loop != nullptr) loop->post([asked, found = std::move(found)] { answer(asked, found); });
  }
  void work();

  const LookUp look_up;
  std::mutex mutex;  // guards all below
  Loop* loop;        // none once the resolver is gone
  std::deque<Job> jobs;
  std::size_t threads = 0;
};

void Resolver::State::work() {
  std::unique_lock lock{mutex};
  while (loop != nullptr && !jobs.empty()) {
    const Job job = std::move(jobs.front());
    jobs.pop_front();
    if (job.asked.expired()) continue;  // nobody wants to know any more
    lock.unlock();
    auto found = look_up(job.address);
    lock.lock();
    if (const auto asked = job.asked.lock()) post(asked, std::move(found));
  }
  --threads;
}

Resolver::Resolver(Loop& loop, LookUp look_up) : state_(std::make_shared<State>(loop, std::move(look_up))) {}

Resolver::~Resolver() {
  const std::lock_guard lock{state_->mutex};
  state_->loop = nullptr;
  state_->jobs.clear();
}

std::unique_ptr<Resolver::Query> Resolver::start(const Address& address, Done done) {
  auto asked = std::make_shared<Asked>(Asked{std::move(done)});
  auto query = std::make_unique<AskedQuery>(asked);
  const std::lock_guard lock{state_->mutex};
  state_->jobs.push_back({address, asked});
  if (state_->threads >= kThreadsMax) return query;
  auto thread = start_thread([state = state_] { state->work(); });
  if (thread) {
    thread->detach();
    ++state_->threads;
  } else if (state_->threads == 0) {
    state_->jobs.pop_back();
    state_->post(asked, err(Error{"cannot resolve the host " + address.host + ": " + thread.error().message,
                                  thread.error().system_errno}));
  }
  return query;
}

Addresses interleave_families(const Addresses& sorted) {
  Addresses first, others, order;
  for (const SocketAddress& address : sorted) {
    (address.family() == sorted.front().family() ? first : others).push_back(address);
  }
  for (std::size_t i = 0; i < first.size() || i < others.size(); ++i) {
    if (i < first.size()) order.push_back(first[i]);
    if (i < others.size()) order.push_back(others[i]);
  }
  return order;
}

}  // namespace plait::net
