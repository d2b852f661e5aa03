#include <algorithm>
#include <utility>

#include "client/client_impl.hpp"
#include "client/pool_core.hpp"
#include "transport/handler_proxy.hpp"

namespace plait {

class SessionPool::Impl : public std::enable_shared_from_this<SessionPool::Impl> {
 public:
  Impl(Client& client, std::string url, HandlerFactory factory, ConnectOptions connect, const PoolOptions& options)
      : client_(client),
        context_(ClientAccess::context(client)),
        url_(std::move(url)),
        factory_(std::move(factory)),
        connect_(std::move(connect)),
        core_(
            context_.loop, options, [this] { return open(); }, [this](Session& session) { return is_open(session); }) {}

  void acquire(Acquired done) { core_.acquire(std::move(done)); }
  void release(SessionId id) {
    if (Session* session = find(id)) core_.release(*session);
  }
  [[nodiscard]] PoolStats stats() const { return core_.stats(); }
  void end() {
    core_.end();
    for (const SessionId id : std::exchange(ids_, {})) {
      if (transport::LoopEntry* connection = context_.entries.find(id)) connection->abort({});
    }
  }

 private:
  // The handler of one session, with the user's own; outlives the pool, perhaps.
  class Member final : public transport::HandlerProxy {
   public:
    Member(const std::weak_ptr<Impl>& pool, std::unique_ptr<SessionHandler> handler)
        : HandlerProxy(*handler), pool_(pool), handler_(std::move(handler)) {}
    void on_open(Session& session) override {
      HandlerProxy::on_open(session);
      if (ended_) return;  // in there, and the pool has been told
      is_open_ = true;     // one that throws there is not
      if (const auto pool = pool_.lock()) pool->core_.handle_opened(session);
    }
    void on_close(Session& session, const CloseInfo& info) override {
      ended_ = true;
      if (const auto pool = pool_.lock()) pool->forget(session, info, *this);  // first: the user's may throw
      HandlerProxy::on_close(session, info);
    }

    void set_id(SessionId id) { id_ = id; }
    [[nodiscard]] SessionId id() const { return id_; }
    [[nodiscard]] bool is_open() const { return is_open_; }

   private:
    const std::weak_ptr<Impl> pool_;
    const std::unique_ptr<SessionHandler> handler_;
    SessionId id_;
    bool is_open_ = false;
    bool ended_ = false;
  };

  void forget(Session& session, const CloseInfo& info, const Member& member) {
    std::erase(ids_, member.id());
    if (member.is_open()) {
      core_.handle_ended(session);
    } else {
      core_.handle_failed({.message = info.reason, .status = info.status});
    }
  }
  // None: it has ended, or is closing.
  [[nodiscard]] Session* find(SessionId id) const {
    transport::LoopEntry* connection = context_.entries.find(id);
    return connection == nullptr ? nullptr : connection->session();
  }
  [[nodiscard]] bool is_open(const Session& session) const { return find(session.id()) != nullptr; }

  Result<void, Error> open() {
    auto handler = factory_();
    if (handler == nullptr) return err(Error{"the pool's factory made no handler"});
    auto made = std::make_unique<Member>(weak_from_this(), std::move(handler));
    Member& member = *made;
    const auto id = client_.connect(url_, std::move(made), connect_);
    if (!id) return err(id.error());
    member.set_id(*id);
    ids_.push_back(*id);
    return {};
  }

  Client& client_;
  transport::LoopContext& context_;
  const std::string url_;
  const HandlerFactory factory_;
  const ConnectOptions connect_;
  std::vector<SessionId> ids_;  // of all that were asked for and have not ended
  client::PoolCore<Session> core_;
};

SessionPool::SessionPool(Client& client, std::string url, HandlerFactory factory, ConnectOptions connect,
                         const PoolOptions& options)
    : impl_(std::make_shared<Impl>(client, std::move(url), std::move(factory), std::move(connect), options)) {}
SessionPool::~SessionPool() { impl_->end(); }

void SessionPool::acquire(Acquired done) { impl_->acquire(std::move(done)); }
void SessionPool::release(SessionId id) { impl_->release(id); }
PoolStats SessionPool::stats() const { return impl_->stats(); }

}  // namespace plait
