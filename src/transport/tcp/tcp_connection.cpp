#include "transport/tcp/tcp_connection.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "core/bounded.hpp"
#include "transport/send_rules.hpp"

namespace plait::transport {
namespace {

constexpr std::size_t kVectorsPerWrite = 256;
constexpr std::size_t kPlaintextBytes = std::size_t{256} << 10;
constexpr std::uint32_t kUnreadAnswerBytesMax = std::uint32_t{64} << 10;
constexpr std::uint32_t kWhenReadable = EPOLLIN | EPOLLRDHUP | EPOLLPRI;
constexpr std::uint32_t kReadable = EPOLLIN | EPOLLHUP | EPOLLERR;
// With one of these a read that does not fill its buffer has not come to the end: FIN or an error stands behind what it
// gave, or a byte of urgent data, at which reads stop (RFC 9293 §3.8.5).
constexpr std::uint32_t kReadsStopEarly = EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI;
constexpr std::size_t kRecordBytes = std::size_t{16} << 10;  // plaintext of a full TLS record (RFC 8446 §5.1)
static_assert(kPlaintextBytes > core::kRequestLineBytesMax + core::kHeaderBytesMax + kRecordBytes,
              "an endless head meets its limits before it fills the buffer");

/// Whether nothing is left in the kernel behind a read of so many bytes at most. Finding nothing does not count: epoll
/// had told of something.
bool empties(const net::IoResult& result, std::size_t bytes_max) {
  return result.status != net::IoStatus::would_block && result.bytes < bytes_max;
}

}  // namespace

void Protocol::handle_end() { connection_->abort(); }

TcpConnection* TcpConnection::start(LoopContext& context, net::Socket socket, std::unique_ptr<tls::Engine> tls,
                                    std::unique_ptr<Protocol> protocol, bool connecting, std::optional<SessionId> id) {
  std::unique_ptr<TcpConnection> owned{
      new TcpConnection{context, std::move(socket), std::move(tls), std::move(protocol)}};
  TcpConnection* connection = owned.get();
  connection->connecting_ = connecting;
  connection->initiated_ = connecting;
  connection->watched_events_ = connecting ? EPOLLOUT : kWhenReadable | EPOLLET;
  const auto watched = id ? context.loop.rewatch(connection->socket_.fd(), connection->watched_events_, *connection)
                          : context.loop.watch(connection->socket_.fd(), connection->watched_events_, *connection);
  if (!watched) {
    if (!connecting) context.warn_of_shortage(watched.error().system_errno);
    return nullptr;
  }
  connection->id_ = context.put(std::move(owned), id);
  context.count_connection();
  if (!connecting) connection->protocol_->handle_open();
  return connection;
}

TcpConnection::TcpConnection(LoopContext& context, net::Socket socket, std::unique_ptr<tls::Engine> tls,
                             std::unique_ptr<Protocol> protocol)
    : context_(context), socket_(std::move(socket)), tls_(std::move(tls)), protocol_(std::move(protocol)) {
  protocol_->connection_ = this;
}

TcpConnection::~TcpConnection() {
  if (kept_input_ != nullptr) kept_input_->release();
  drop_only_piece();
}

// --- Reading ---------------------------------------------------------------------------------------------------------

void TcpConnection::handle_events(std::uint32_t events) {
  if (connecting_) return handle_connected();
  if ((events & EPOLLOUT) != 0) {
    write_blocked_ = false;
    flush();
    if (closed_) return;
  }
  // Read first: a handler that fills the backlog at once would never let its peer be heard, not even its close.
  if (drained_ && !input_stopped()) events |= EPOLLIN;
  if (input_stopped() && !finishing_) {
    if ((events & (EPOLLHUP | EPOLLERR)) != 0) return handle_hang_up();
  } else if ((events & kReadable) != 0) {
    const bool has_emptied = handle_readable();
    if (!has_emptied || (events & kReadsStopEarly) != 0) watch_again();
  }
  report_drained();
}

// The peer of a Unix socket closed it, or one of TCP did and answered what we sent with RST. What a paused session has
// not read stays readable, as behind FIN; only the kernel would tell of the end in every turn until then.
void TcpConnection::handle_hang_up() {
  if (!paused_) return abort({.reason = "the peer broke the connection"});
  context_.loop.unwatch(socket_.fd(), *this);
  hung_up_ = unwatched_ = true;
}

void TcpConnection::handle_connected() {
  connecting_ = false;
  const int error = socket_.finish_connect();
  if (error != 0) return abort({.system_errno = error, .reason = "connect failed"});
  if (tls_ != nullptr && tls_->start(encrypted_output()) == tls::Status::failed)
    return abort({.reason = tls_->error()});
  update_watch();
  protocol_->handle_open();
  flush();
}

// What was left behind comes first: read before it, the peer's end would be taken for all that there was.
bool TcpConnection::handle_readable() {
  if (replaying_) replay_kept_input();
  if (closed_ || (input_stopped() && !finishing_)) return true;  // watched anew when it goes on
  const MutableByteView buffer = context_.loop.receive_buffer();
  if (tls_ != nullptr || finishing_) return read_past_protocol(buffer);
  const std::size_t kept = restore_kept_input(buffer);
  if (kept == buffer.size()) {  // no room to read more
    handle_input(buffer);
    return false;
  }
  if (protocol_->reads_directly()) {
    const MutableByteView direct = protocol_->direct_buffer();
    if (!direct.empty()) return read_directly(direct, buffer);  // no input is kept then
  }
  const net::IoResult result = socket_.read(buffer.subspan(kept));
  if (result.status != net::IoStatus::ok) {
    keep_input(buffer.first(kept));
    handle_read_end(result);
    return empties(result, buffer.size());
  }
  handle_input(buffer.first(kept + result.bytes));
  return empties(result, buffer.size() - kept);
}

// For the TLS engine; while finishing for nobody, who waits for the end only.
bool TcpConnection::read_past_protocol(MutableByteView buffer) {
  const net::IoResult result = socket_.read(buffer);
  if (result.status != net::IoStatus::ok)
    handle_read_end(result);
  else if (!finishing_)
    handle_ciphertext(buffer.first(result.bytes));
  return empties(result, buffer.size());
}

bool TcpConnection::read_directly(MutableByteView direct, MutableByteView buffer) {
  const std::array<iovec, 2> vectors{{{direct.data(), direct.size()}, {buffer.data(), buffer.size()}}};
  const net::IoResult result = socket_.read(vectors);
  if (result.status != net::IoStatus::ok) {
    handle_read_end(result);
    return empties(result, buffer.size());
  }
  const std::size_t direct_bytes = std::min(result.bytes, direct.size());
  protocol_->commit_direct(direct_bytes);
  handle_input(buffer.first(result.bytes - direct_bytes));
  return empties(result, direct.size() + buffer.size());
}

void TcpConnection::handle_ciphertext(ByteView ciphertext) {
  if (context_.plaintext.empty()) context_.plaintext.resize(kPlaintextBytes);
  do {
    const MutableByteView buffer{context_.plaintext};
    const std::size_t kept = restore_kept_input(buffer);
    const std::size_t waiting = encrypted_output().bytes();
    std::size_t size = 0;
    const bool opening = tls_->is_opening();
    const tls::Status status = tls_->decrypt(ciphertext, buffer.subspan(kept), size, *encrypted_);
    if (!admits_answers(encrypted_->bytes() - waiting)) return abort({.reason = "the peer reads no answers of TLS"});
    if (size > 0 || kept > 0 || status == tls::Status::ok) {
      handle_input(buffer.first(kept + size));
    }
    if (closed_) return;
    flush();
    if (closed_ || (input_stopped() && !finishing_)) return;  // the engine keeps the rest, and the status
    if (status == tls::Status::closed) return handle_read_end({.status = net::IoStatus::end});
    if (status == tls::Status::failed) return fail_tls(opening);
  } while (tls_->pending() && !finishing_);
}

void TcpConnection::fail_tls(bool opening) {
  if (opening && !initiated_) context_.note_failed_handshake(peer(), tls_->error());
  abort({.reason = tls_->error()});
}

// Each KeyUpdate may ask for one of ours (RFC 8446 §4.6.3): they are bounded where the peer takes nothing, since a
// client does not stop reading for a backlog.
bool TcpConnection::admits_answers(std::size_t size) {
  unread_answer_bytes_ = write_blocked_ ? unread_answer_bytes_ + static_cast<std::uint32_t>(size) : 0;
  return unread_answer_bytes_ <= kUnreadAnswerBytesMax;
}

void TcpConnection::handle_input(MutableByteView input) {
  reading_ = true;
  const Protocol* current = nullptr;
  while (!closed_ && !finishing_ && protocol_.get() != current) {
    current = protocol_.get();
    protocol_->handle_bytes(input);
  }
  reading_ = false;
  if (closed_) return;
  flush();  // first: it may send what lies in the kept block
  if (!closed_) keep_input(finishing_ ? ByteView{} : input);
}

// Puts what was left over to the front of `buffer`; returns its size. Limits on heads and small messages keep it below
// the buffer's size, but what a paused session leaves can fill it.
std::size_t TcpConnection::restore_kept_input(MutableByteView buffer) {
  if (kept_input_ == nullptr) return 0;
  const std::size_t kept = kept_input_bytes_;
  std::memcpy(buffer.data(), kept_input_->data() + kept_input_offset_, kept);
  keep_input({});
  return kept;
}

// A handler may pause after each message: what it left of the block that is replayed stays there until half of that has
// been used, and is then moved to a smaller one, so that no byte is copied more than a few times.
void TcpConnection::replace_kept_input(ByteView rest) {
  Block* replayed = std::exchange(kept_input_, nullptr);
  const std::size_t used = replayed == nullptr ? 0 : kept_input_offset_ + kept_input_bytes_ - rest.size();
  if (replayed != nullptr && rest.size() > used) {
    kept_input_ = replayed;
    kept_input_offset_ = static_cast<std::uint32_t>(used);
  } else if (!rest.empty()) {
    kept_input_ = context_.loop.buffers().take(rest.size());
    std::memcpy(kept_input_->data(), rest.data(), rest.size());
    kept_input_offset_ = 0;
  }
  kept_input_bytes_ = static_cast<std::uint32_t>(rest.size());
  if (replayed != nullptr && kept_input_ != replayed) replayed->release();
}

void TcpConnection::handle_read_end(const net::IoResult& result) {
  if (result.status == net::IoStatus::would_block) return;
  if (result.status == net::IoStatus::error) {
    return abort({.system_errno = result.system_errno, .reason = "reading failed"});
  }
  ended_ = true;
  if (finishing_) return fin_sent_ ? abort() : update_watch();  // finish_flush() aborts when the output is written
  update_watch();
  protocol_->handle_end();
  if (!closed_) flush();
}

// Input that a paused session left behind, here, in the TLS engine or in the protocol (inflated bytes of a message in
// parts), is handled without waiting for more to arrive.
void TcpConnection::replay_kept_input() {
  replaying_ = false;
  if (failed_errno_ != 0) return abort_for_failure();
  if (closed_ || finishing_ || input_stopped()) return;
  if (kept_input_ != nullptr) {
    handle_input({kept_input_->data() + kept_input_offset_, kept_input_bytes_});
  } else if (tls_ == nullptr) {
    handle_input({});
  }
  if (tls_ != nullptr && !closed_ && !finishing_ && !input_stopped()) handle_ciphertext({});
}

// --- Writing ---------------------------------------------------------------------------------------------------------

OutputQueue& TcpConnection::begin_output() {
  out_ = context_.queues.take();
  if (tls_ != nullptr) out_->set_block_bytes_min(kRecordBytes);
  const ByteView piece{only_.data, only_.size};
  if (only_.block != nullptr)
    out_->append_shared(*only_.block, piece);
  else if (piece.size() >= kReferenceBytesMin)
    out_->append_borrowed(piece);
  else if (!piece.empty())
    out_->append(piece);
  drop_only_piece();
  return *out_;
}

OutputQueue& TcpConnection::encrypted_output() {
  if (encrypted_ == nullptr) {
    encrypted_ = context_.queues.take();
    encrypted_->set_block_bytes_min(kRecordBytes);
  }
  return *encrypted_;
}

void TcpConnection::on_turn_end() {
  if (replaying_) replay_kept_input();
  if (!closed_) flush();
  report_drained();
}

void TcpConnection::flush() {
  if (closed_ || connecting_) return;
  if (write_blocked_) {
    if (out_ != nullptr) out_->settle();
    return check_backlog();
  }
  if (only_.size > 0 && !write_only_piece()) return;
  if (tls_ != nullptr) encrypt_output();
  std::unique_ptr<OutputQueue>& queue = tls_ != nullptr ? encrypted_ : out_;
  if (queue != nullptr) {
    if (!write_queue(*queue)) return;
    if (queue->empty()) context_.queues.give_back(std::move(queue));
  }
  finish_flush();
}

bool TcpConnection::flush_early() {
  flushing_early_ = true;
  if (failed_errno_ == 0) flush();
  flushing_early_ = false;
  if (failed_errno_ == 0) return true;
  fail_soon();
  return false;
}

void TcpConnection::fail_soon() {
  replaying_ = true;
  if (!hooked()) context_.loop.at_turn_end(*this);
}

void TcpConnection::abort_for_failure() {
  abort({.system_errno = failed_errno_,
         .reason = watch_failed_ ? "the socket can no longer be watched" : "writing failed"});
}

void TcpConnection::encrypt_output() {
  if (out_ == nullptr || !tls_->handshake_done()) return;
  OutputQueue& records = encrypted_output();
  while (!out_->empty()) {
    const ByteView plaintext = out_->front();
    if (tls_->encrypt(plaintext, records) != tls::Status::ok) break;  // the read side reports why
    out_->consume(plaintext.size());
  }
  out_->clear();  // what could not be encrypted must not reach the queue's next user
  context_.queues.give_back(std::move(out_));
}

// False: writing failed. What the kernel does not take waits in a queue.
bool TcpConnection::write_only_piece() {
  const std::size_t offered = only_.size;
  const net::IoResult result = socket_.write({only_.data, offered});
  if (result.bytes != offered) return take_written(begin_output(), offered, result);
  drop_only_piece();
  output_taken_ = true;
  return true;
}

void TcpConnection::drop_only_piece() {
  if (only_.block != nullptr) only_.block->release();
  only_ = {};
}

// Likewise.
bool TcpConnection::write_queue(OutputQueue& queue) {
  while (!queue.empty() && !write_blocked_) {
    const ByteView only = queue.only_segment();
    if (!(only.empty() ? write_segments(queue) : take_written(queue, only.size(), socket_.write(only)))) return false;
  }
  queue.settle();
  return true;
}

bool TcpConnection::write_segments(OutputQueue& queue) {
  std::array<iovec, kVectorsPerWrite> vectors;
  const std::size_t count = queue.fill(vectors);
  std::size_t offered = 0;
  for (std::size_t i = 0; i < count; ++i) offered += vectors[i].iov_len;
  return take_written(queue, offered, socket_.write(std::span<const iovec>{vectors.data(), count}));
}

inline bool TcpConnection::take_written(OutputQueue& queue, std::size_t offered, const net::IoResult& result) {
  if (result.status == net::IoStatus::error) {
    // What it said before it went is still to be read, be it answered: reading ends with this or another error.
    hung_up_ = hung_up_ || paused_;
    if (hung_up_ && !finishing_) {
      queue.clear();
      return true;
    }
    if (failed_errno_ == 0) failed_errno_ = result.system_errno;
    if (!flushing_early_) abort_for_failure();
    return false;
  }
  if (result.status == net::IoStatus::ok) {
    queue.consume(result.bytes);
    output_taken_ = true;
  }
  write_blocked_ = result.bytes < offered;
  return true;
}

inline void TcpConnection::finish_flush() {
  if (stalled_ || backlog_bytes() > 0) check_backlog();
  if (closed_) return;
  if (finishing_ && !fin_sent_ && out_ == nullptr && encrypted_ == nullptr) {
    fin_sent_ = true;
    if (ended_) return abort();
    socket_.shutdown_write();
  }
  if (write_blocked_ != ((watched_events_ & EPOLLOUT) != 0)) update_watch();
}

// Reading stops while the peer does not take what it has caused, and goes on when the backlog is small again.
void TcpConnection::check_backlog() {
  const std::size_t backlog = backlog_bytes();
  if (!stalled_ && backlog > context_.limits.send_high_water_bytes) {
    stalled_ = true;
    update_watch();
  } else if (stalled_ && backlog <= (awaits_empty_ ? 0 : context_.limits.send_low_water_bytes)) {
    stalled_ = awaits_empty_ = false;
    drained_ = true;
    update_watch();
    resume_input();
  }
}

void TcpConnection::report_drained() {
  if (!closed_ && std::exchange(drained_, false) && !stalled_) protocol_->handle_drained();
}

// A message that did not fit although the backlog is small fits only into an empty queue.
void TcpConnection::await_drained() {
  stalled_ = true;
  awaits_empty_ = backlog_bytes() <= context_.limits.send_low_water_bytes;
  update_watch();
  write_soon();
}

// --- Control ---------------------------------------------------------------------------------------------------------

// After every change of what stops the input.
void TcpConnection::update_watch() {
  input_stopped_ = paused_ || ended_ || (stalled_ && !initiated_);
  if (closed_ || connecting_) return;
  const bool read = finishing_ ? !ended_ : !input_stopped();
  // Level-triggered while output waits, when a lasting EPOLLPRI or EPOLLRDHUP would be told in every turn.
  const std::uint32_t events =
      write_blocked_ ? EPOLLOUT | (read ? EPOLLIN : 0U) : EPOLLET | (read ? kWhenReadable : 0U);
  if (events != watched_events_ || unwatched_) watch(events);
}

// epoll is silent about what a read has left until it is asked anew.
void TcpConnection::watch_again() {
  if (!closed_ && (watched_events_ & EPOLLIN) != 0) watch(watched_events_);
}

void TcpConnection::watch(std::uint32_t events) {
  watched_events_ = events;
  const auto watched = std::exchange(unwatched_, false) ? context_.loop.watch(socket_.fd(), events, *this)
                                                        : context_.loop.rewatch(socket_.fd(), events, *this);
  if (watched) return;
  failed_errno_ = watched.error().system_errno;
  watch_failed_ = true;
  fail_soon();  // this may be a call of the user's
}

void TcpConnection::set_paused(bool paused) {
  if (closed_ || paused == paused_) return;
  paused_ = paused;
  update_watch();
  if (!paused) resume_input();
}

void TcpConnection::resume_input() {
  if (closed_ || input_stopped() || reading_) return;
  replaying_ = true;
  if (!hooked()) context_.loop.at_turn_end(*this);
}

void TcpConnection::replace_protocol(std::unique_ptr<Protocol> next) {
  next->connection_ = this;
  std::unique_ptr<Protocol> previous = std::exchange(protocol_, std::move(next));
  context_.loop.retire(std::move(previous));
  protocol_->handle_open();
}

void TcpConnection::finish() {
  if (closed_ || finishing_) return;
  finishing_ = true;
  if (tls_ != nullptr && tls_->handshake_done()) {
    encrypt_output();
    tls_->shut_down(encrypted_output());
  }
  update_watch();
  write_soon();
}

void TcpConnection::abort(const Disconnect& why) {
  if (closed_) return;
  closed_ = true;
  cancel();
  context_.loop.unwatch(socket_.fd(), *this);
  context_.uncount_connection();
  context_.loop.retire(context_.entries.remove(id_));
  protocol_->handle_closed(why);
  socket_.close();  // behind it, since a session tells its peer's address to the last
}

void TcpConnection::on_timer(core::TimePoint now) { protocol_->handle_deadline(now); }

}  // namespace plait::transport
