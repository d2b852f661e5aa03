#include <algorithm>
#include <utility>

#include "client/pool_core.hpp"

namespace plait {
namespace {

constexpr std::uint32_t kNotNeeded = 0;

Error error_of(StreamError error) {
  switch (error) {
    case StreamError::unsupported:
      return {"this session has no streams: its wire has none, or its handler does not want them"};
    case StreamError::limit:
      return {"the peer allows no more streams at the moment"};
    default:
      return {"the session is closing or closed"};
  }
}

}  // namespace

class StreamPool::Impl : public std::enable_shared_from_this<StreamPool::Impl> {
 public:
  Impl(Session& session, std::function<std::unique_ptr<StreamHandler>()> factory, const PoolOptions& options)
      : session_(session),
        factory_(std::move(factory)),
        core_(
            session.executor(), options, [this] { return open(); }, [](Stream& stream) { return is_usable(stream); }) {}

  void acquire(Acquired done) { core_.acquire(std::move(done)); }
  void release(Stream& stream) {
    if (std::ranges::find(streams_, &stream) == streams_.end()) return;
    if (core_.has(stream) && is_usable(stream)) return core_.release(stream);
    // A half of it is over: of no use to the next, and nobody else ends what is left.
    stream.write(ByteView{}, true);
    stream.stop(kNotNeeded);
    core_.handle_ended(stream);
  }
  [[nodiscard]] PoolStats stats() const { return core_.stats(); }
  void end() {
    core_.end();
    for (Stream* stream : std::exchange(streams_, {})) {
      stream->reset(kNotNeeded);
      stream->stop(kNotNeeded);
    }
  }

 private:
  // The handler of one stream, with the user's own; outlives the pool, perhaps.
  class Member final : public StreamHandler {
   public:
    Member(const std::weak_ptr<Impl>& pool, std::unique_ptr<StreamHandler> handler)
        : pool_(pool), handler_(std::move(handler)) {}
    [[nodiscard]] bool consumes() const override { return handler_->consumes(); }
    void on_data(Stream& stream, ByteView data, bool fin) override {
      if (fin) drop(stream);
      handler_->on_data(stream, data, fin);
    }
    void on_reset(Stream& stream, std::uint32_t code) override {
      drop(stream);
      handler_->on_reset(stream, code);
    }
    void on_stop(Stream& stream, std::uint32_t code) override {
      drop(stream);
      handler_->on_stop(stream, code);
    }
    void on_writable(Stream& stream) override { handler_->on_writable(stream); }
    void on_close(Stream& stream) override {
      if (const auto pool = pool_.lock()) {
        std::erase(pool->streams_, &stream);
        pool->core_.handle_ended(stream);
      }
      handler_->on_close(stream);
    }

   private:
    // A half of it is over: it is of no use to the next, and nobody else ends the other half.
    void drop(Stream& stream) const {
      const auto pool = pool_.lock();
      if (pool != nullptr && pool->core_.handle_ended(stream)) stream.reset(kNotNeeded);
    }

    const std::weak_ptr<Impl> pool_;
    const std::unique_ptr<StreamHandler> handler_;
  };

  // Our half is over when nothing can be written, be it nothing at all; then nobody else ends the peer's.
  static bool is_usable(Stream& stream) {
    if (stream.write(ByteView{}) != SendStatus::closed) return true;
    stream.stop(kNotNeeded);
    return false;
  }
  Result<void, Error> open() {
    auto handler = factory_();
    if (handler == nullptr) return err(Error{"the pool's factory made no handler"});
    const auto stream = session_.open_stream(StreamDirection::bidirectional,
                                             std::make_unique<Member>(weak_from_this(), std::move(handler)));
    if (!stream) return err(error_of(stream.error()));
    streams_.push_back(*stream);
    core_.handle_opened(**stream);
    return {};
  }

  Session& session_;
  const std::function<std::unique_ptr<StreamHandler>()> factory_;
  std::vector<Stream*> streams_;
  client::PoolCore<Stream> core_;
};

StreamPool::StreamPool(Session& session, std::function<std::unique_ptr<StreamHandler>()> factory,
                       const PoolOptions& options)
    : impl_(std::make_shared<Impl>(session, std::move(factory), options)) {}
StreamPool::~StreamPool() { impl_->end(); }

void StreamPool::acquire(Acquired done) { impl_->acquire(std::move(done)); }
void StreamPool::release(Stream& stream) { impl_->release(stream); }
PoolStats StreamPool::stats() const { return impl_->stats(); }

}  // namespace plait
