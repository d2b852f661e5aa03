#include <plait/datagrams.hpp>

#include <algorithm>
#include <bitset>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "core/bounded.hpp"
#include "core/executor.hpp"
#include "messaging/guard.hpp"
#include "messaging/reliable_frame.hpp"

namespace plait {
namespace {

// What PyWebTransport 0.9.0 remembers: a retransmission that comes later is taken for a new datagram.
constexpr std::uint32_t kRememberedMax = 1024;

// Which of the last sequences have come. They wrap.
class Remembered {
 public:
  /// False: it is known already.
  bool add(std::uint32_t sequence) {
    constexpr std::uint32_t kHalf = std::uint32_t{1} << 31U;
    if (!newest_ || sequence - *newest_ < kHalf) {
      advance(sequence);
    } else if (*newest_ - sequence >= kRememberedMax) {
      return true;
    }
    auto known = known_[sequence % kRememberedMax];
    if (known) return false;
    known = true;
    return true;
  }

 private:
  void advance(std::uint32_t newest) {
    const std::uint32_t steps = newest - newest_.value_or(newest);
    if (steps >= kRememberedMax) known_.reset();
    for (std::uint32_t i = 0; i < steps && steps < kRememberedMax; ++i) known_.reset((newest - i) % kRememberedMax);
    newest_ = newest;
  }

  std::optional<std::uint32_t> newest_;
  std::bitset<kRememberedMax> known_;  // by the sequence's remainder
};

bool is_taken(SendStatus status) { return status == SendStatus::sent || status == SendStatus::queued; }

}  // namespace

// --- Broadcaster ----------------------------------------------------------------------------------------------------

void DatagramBroadcaster::add(Session& session) {
  if (std::find(sessions_.begin(), sessions_.end(), &session) == sessions_.end()) sessions_.push_back(&session);
}

void DatagramBroadcaster::remove(Session& session) { std::erase(sessions_, &session); }

std::size_t DatagramBroadcaster::broadcast(ByteView data) {
  std::size_t sent = 0;
  std::erase_if(sessions_, [&](Session* session) {
    const SendStatus status = session->send_datagram(data);
    sent += is_taken(status) ? 1 : 0;
    return status == SendStatus::closed;
  });
  return sent;
}

// --- Reliability ----------------------------------------------------------------------------------------------------

class ReliableDatagrams::Impl {
 public:
  Impl(Session& session, const ReliabilityOptions& options) : session_(session), options_(options) {}

  SendStatus send(ByteView data, Done&& done);
  bool handle_datagram(ByteView datagram);
  [[nodiscard]] std::size_t pending_count() const { return pending_.size(); }
  [[nodiscard]] const Session& session() const { return session_; }

  void set_on_datagram(std::function<void(ByteView)> handler) {
    on_datagram_ = std::make_shared<const std::function<void(ByteView)>>(std::move(handler));
  }

 private:
  /// A datagram without an acknowledgement is a timer of its loop.
  struct Pending final : core::Timer {
    Pending(Impl& of, std::uint32_t number, std::string bytes, Done on_done)
        : layer(of), sequence(number), frame(std::move(bytes)), done(std::move(on_done)) {}
    void on_timer(core::TimePoint now) override { layer.retry(*this, now); }
    Impl& layer;
    const std::uint32_t sequence;
    const std::string frame;
    Done done;
    unsigned retries = 0;
  };

  void retry(Pending& pending, core::TimePoint now);
  void finish(std::uint32_t sequence, bool acknowledged);

  Session& session_;
  const ReliabilityOptions options_;
  std::shared_ptr<const std::function<void(ByteView)>> on_datagram_;
  std::uint32_t next_sequence_ = 0;
  std::uint32_t oldest_pending_ = 0;  // or next_sequence_
  std::unordered_map<std::uint32_t, Pending> pending_;
  Remembered remembered_;  // of what was received
};

SendStatus ReliableDatagrams::Impl::send(ByteView data, Done&& done) {
  // Else the oldest, if it is repeated, might be one that the receiver has forgotten.
  if (next_sequence_ - oldest_pending_ >= kRememberedMax) return SendStatus::dropped;
  if (pending_.size() >= options_.pending_max) return SendStatus::dropped;
  std::string frame = messaging::encode_data(next_sequence_, data);
  const SendStatus status = session_.send_datagram(as_bytes(frame));
  const bool too_large = status == SendStatus::dropped && frame.size() > session_.datagram_bytes_max();
  if (status == SendStatus::closed || too_large) return status;
  const std::uint32_t sequence = next_sequence_++;
  Pending& pending = pending_.try_emplace(sequence, *this, sequence, std::move(frame), std::move(done)).first->second;
  core::Executor& executor = session_.executor();
  executor.schedule(pending, executor.now() + core::bounded(options_.acknowledgement_timeout));
  return status == SendStatus::dropped ? SendStatus::queued : status;  // it is sent again
}

void ReliableDatagrams::Impl::retry(Pending& pending, core::TimePoint now) {
  const bool given_up =
      pending.retries == options_.retries_max || session_.send_datagram(as_bytes(pending.frame)) == SendStatus::closed;
  if (given_up) {
    return messaging::guarded(session_, [this, sequence = pending.sequence] { finish(sequence, false); });
  }
  ++pending.retries;
  session_.executor().schedule(pending, now + core::bounded(options_.acknowledgement_timeout));
}

void ReliableDatagrams::Impl::finish(std::uint32_t sequence, bool acknowledged) {
  auto pending = pending_.extract(sequence);
  while (oldest_pending_ != next_sequence_ && !pending_.contains(oldest_pending_)) ++oldest_pending_;
  if (!pending.empty() && pending.mapped().done) pending.mapped().done(acknowledged);
}

bool ReliableDatagrams::Impl::handle_datagram(ByteView datagram) {
  const auto frame = messaging::decode_reliable(datagram);
  if (!frame) return false;
  if (frame->acknowledges) {
    finish(frame->sequence, true);
    return true;
  }
  // Also of what has come before: its acknowledgement was lost. When this one is, the datagram comes once more.
  session_.send_datagram(as_bytes(messaging::encode_acknowledgement(frame->sequence)));
  const auto handler = on_datagram_;  // which may replace itself
  if (remembered_.add(frame->sequence) && handler != nullptr && *handler) (*handler)(frame->payload);
  return true;
}

ReliableDatagrams::ReliableDatagrams(Session& session, const ReliabilityOptions& options)
    : impl_(std::make_unique<Impl>(session, options)) {}
ReliableDatagrams::~ReliableDatagrams() = default;

std::size_t ReliableDatagrams::bytes_max() const {
  const std::size_t bytes = impl_->session().datagram_bytes_max();
  return bytes - std::min(bytes, messaging::kReliableHeaderBytes);
}
SendStatus ReliableDatagrams::send(ByteView data, Done done) { return impl_->send(data, std::move(done)); }
void ReliableDatagrams::on_datagram(std::function<void(ByteView)> handler) {
  impl_->set_on_datagram(std::move(handler));
}
bool ReliableDatagrams::handle_datagram(ByteView datagram) { return impl_->handle_datagram(datagram); }
std::size_t ReliableDatagrams::pending_count() const { return impl_->pending_count(); }

}  // namespace plait
