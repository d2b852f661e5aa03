// TcpConnection: one stream socket, plain or under TLS, and the protocol that runs above it.
//
// Reading: one read a turn into the loop's shared buffer. The socket is watched edge-triggered while only input is
// awaited, since epoll looks at any other twice a message (ADR 0024), and is watched anew when a read may have left
// something. What the protocol cannot use yet (part of a header or of a small message) is kept in a block and put in
// front of the next read, so an idle connection holds no buffer. A large message under way is read straight into its
// own block (Protocol::direct_buffer).
//
// Writing: everything that is appended during a read leaves in one write after it; what is appended at other times, in
// one write at the end of the turn. EPOLLOUT is watched only after the kernel refused bytes. Answers that are what was
// just read can leave from there, without a copy: append_in_place().
#pragma once

#include <plait/bytes.hpp>
#include <plait/session.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "core/prefetch.hpp"
#include "core/timer.hpp"
#include "net/loop.hpp"
#include "net/socket.hpp"
#include "tls/engine.hpp"
#include "transport/loop_context.hpp"
#include "transport/loop_entry.hpp"

namespace plait::transport {

/// What runs above a byte stream: HTTP/1.1, WebSocket, frames. Owned by its connection.
class Protocol : public net::Retirable {
 public:
  /// The connection can be used from here on. Called once.
  virtual void handle_open() {}
  /// All that was received and not used yet. Removes from the front of `input` what it used up.
  virtual void handle_bytes(MutableByteView& input) = 0;
  /// See ws::Decoder: where the next bytes may be read to directly. Asked for while reads_directly().
  virtual MutableByteView direct_buffer() { return {}; }
  virtual void commit_direct(std::size_t /*count*/) {}
  /// The peer has ended its direction. The default closes.
  virtual void handle_end();
  /// The backlog has fallen to Limits::send_low_water_bytes after having been above the high-water mark.
  virtual void handle_drained() {}
  /// set_deadline()'s time has come.
  virtual void handle_deadline(core::TimePoint now) = 0;
  /// The server is going away: finish what is under way and close.
  virtual void handle_drain() = 0;
  /// The socket is closed. The last call.
  virtual void handle_closed(const Disconnect& why) = 0;
  /// The session, if this protocol is one and it is open.
  virtual plait::Session* session() { return nullptr; }

  [[nodiscard]] class TcpConnection& connection() const { return *connection_; }
  [[nodiscard]] bool reads_directly() const { return reads_directly_; }

 protected:
  /// For the protocol to say when a call of handle_bytes() ends, while a large message is under way.
  void set_reads_directly(bool directly) { reads_directly_ = directly; }

 private:
  friend class TcpConnection;
  TcpConnection* connection_ = nullptr;
  bool reads_directly_ = false;
};

class TcpConnection final : public net::EventHandler, public net::TurnHook, public core::Timer, public LoopEntry {
 public:
  /// Starts serving `socket` (connected, or connecting when `connecting`) on the context's loop. The connection belongs
  /// to the context's table and ends itself; with `id` it takes the place of what has that, and over the watch of
  /// `socket`. Null when the socket cannot be watched (out of memory or of watches), which needs nothing with `id`.
  static TcpConnection* start(LoopContext& context, net::Socket socket, std::unique_ptr<tls::Engine> tls,
                              std::unique_ptr<Protocol> protocol, bool connecting = false,
                              std::optional<SessionId> id = {});
  ~TcpConnection() override;

  /// Where to append what is to be written. Valid until the next turn of the loop; write_soon() afterwards.
  OutputQueue& output() { return out_ != nullptr ? *out_ : begin_output(); }
  /// The same, but null while there is no queue: nothing to write, or one piece.
  [[nodiscard]] OutputQueue* begun_output() const { return out_.get(); }
  /// Makes `frame`, a part of the input that is being handled, the output's end, if that needs no copy: behind nothing
  /// or right behind the last such frame. False if not. The memory belongs to the output until the read has been
  /// handled.
  [[nodiscard]] bool append_in_place(MutableByteView frame) {
    if (!only_.joins(frame.data(), nullptr)) {
      if (has_output()) return false;
      only_.data = frame.data();
    }
    only_.size += frame.size();
    return true;
  }
  /// Where the next such frame has to begin; null if none is the output's end.
  [[nodiscard]] std::uint8_t* in_place_end() const {
    return only_.size > 0 && only_.block == nullptr ? only_.data + only_.size : nullptr;
  }
  /// Appends `data`, which lies in `block` and is not empty, by reference. Not under TLS.
  void append_shared(Block& block, ByteView data) {
    if (!only_.joins(data.data(), &block)) {
      if (has_output()) return output().append_shared(block, data);
      block.retain();
      only_ = {block.data() + (data.data() - block.data()), 0, &block};
    }
    only_.size += data.size();
  }
  /// Sees to it that the output leaves: after the read that is being handled, or at the end of this turn.
  void write_soon() {
    if (!reading_ && !write_blocked_ && !hooked()) context_.loop.at_turn_end(*this);
  }
  /// Writes what can be written now.
  void flush();
  /// The same from inside a call of the user's, whose handlers must not hear of the end meanwhile: false when writing
  /// failed; the connection is aborted at the end of the turn then.
  bool flush_early();
  /// Bytes of output that the kernel has not taken.
  [[nodiscard]] std::size_t backlog_bytes() const {
    return only_.size + (out_ == nullptr ? 0 : out_->bytes()) + (encrypted_ == nullptr ? 0 : encrypted_->bytes());
  }
  /// The same and those that the kernel has, but the peer's not yet.
  [[nodiscard]] std::size_t undelivered_bytes() const { return backlog_bytes() + socket_.unacknowledged_bytes(); }
  /// All output has arrived, and no input waits in the kernel.
  [[nodiscard]] bool is_quiet() const override { return undelivered_bytes() == 0 && socket_.unread_bytes() == 0; }
  /// True while this connection's own input is being handled: borrowed views of it may be appended to the output.
  [[nodiscard]] bool reading() const { return reading_; }
  /// Whether the kernel took output since this was last asked: while a backlog stands, a sign that the peer reads.
  bool take_output_taken() { return std::exchange(output_taken_, false); }
  /// Whether views may be appended by reference (TLS wants contiguous plaintext instead).
  [[nodiscard]] bool gathers_references() const { return tls_ == nullptr; }

  /// Stops and resumes handling input, for the user. A backlog may stop it, too: see input_stopped().
  void set_paused(bool paused);
  /// Sees to it that handle_drained() follows, however small the backlog is.
  void await_drained();
  [[nodiscard]] bool paused() const { return paused_; }
  [[nodiscard]] bool is_cut() const override { return hung_up_; }
  /// A backlog stops only the side that accepted: were both to stop, two peers with full windows would wait for each
  /// other for ever.
  [[nodiscard]] bool input_stopped() const { return input_stopped_; }

  /// Hands the connection to another protocol, from inside the present one's functions; unused input goes to it.
  void replace_protocol(std::unique_ptr<Protocol> next);
  /// Arms the connection's only timer; replaces the deadline set before.
  void set_deadline(core::TimePoint deadline) { context_.loop.schedule(*this, deadline); }
  void clear_deadline() { cancel(); }

  /// Closes once the output has been written and the peer has ended its direction, or at once if `linger` is over
  /// (Limits::close_timeout is armed as the deadline by the caller). No more input is handled.
  void finish();
  /// Closes the socket now; handle_closed follows before this returns.
  void abort(const Disconnect& why = {}) override;
  void drain() override { protocol_->handle_drain(); }
  [[nodiscard]] Session* session() override { return protocol_->session(); }

  [[nodiscard]] SessionId id() const { return id_; }
  [[nodiscard]] LoopContext& context() const { return context_; }
  [[nodiscard]] bool secure() const { return tls_ != nullptr; }
  [[nodiscard]] std::optional<ClientCertificate> client_certificate() const {
    return tls_ == nullptr ? std::nullopt : tls_->client_certificate();
  }
  [[nodiscard]] bool closed() const { return closed_; }
  [[nodiscard]] bool finishing() const { return finishing_; }
  [[nodiscard]] std::string peer() const { return socket_.peer(); }
  [[nodiscard]] Protocol& protocol() const { return *protocol_; }

  void handle_events(std::uint32_t events) override;
  void prefetch() const override { core::prefetch(protocol_.get(), kProtocolPrefetchBytes); }

 protected:
  void on_turn_end() override;
  void prefetch_for_turn_end() const override {
    if (out_ != nullptr) core::prefetch(out_.get(), kQueuePrefetchBytes);
  }
  void on_timer(core::TimePoint now) override;

 private:
  /// Output that needs no queue: in a shared block, or in the input that is being handled.
  struct Piece {
    std::uint8_t* data = nullptr;
    std::size_t size = 0;
    Block* block = nullptr;  // none: in the input

    [[nodiscard]] bool joins(const std::uint8_t* next, const Block* in) const {
      return size > 0 && block == in && data + size == next;
    }
  };

  static constexpr std::size_t kProtocolPrefetchBytes = 320;
  static constexpr std::size_t kQueuePrefetchBytes = 128;

  TcpConnection(LoopContext& context, net::Socket socket, std::unique_ptr<tls::Engine> tls,
                std::unique_ptr<Protocol> protocol);

  void handle_connected();
  void handle_hang_up();
  // The reading functions return false when there may be more to read.
  bool handle_readable();
  std::size_t restore_kept_input(MutableByteView buffer);
  void keep_input(ByteView rest) {
    if (!rest.empty() || kept_input_ != nullptr) replace_kept_input(rest);
  }
  void replace_kept_input(ByteView rest);
  bool read_past_protocol(MutableByteView buffer);
  bool read_directly(MutableByteView direct, MutableByteView buffer);
  void handle_ciphertext(ByteView ciphertext);
  void fail_tls(bool opening);
  [[nodiscard]] bool admits_answers(std::size_t size);
  void handle_input(MutableByteView input);
  void handle_read_end(const net::IoResult& result);
  void replay_kept_input();
  void resume_input();
  OutputQueue& begin_output();
  OutputQueue& encrypted_output();
  void encrypt_output();
  void fail_soon();
  void abort_for_failure();
  [[nodiscard]] bool has_output() const { return out_ != nullptr || only_.size > 0 || write_blocked_; }
  bool write_only_piece();
  void drop_only_piece();
  bool write_queue(OutputQueue& queue);
  bool write_segments(OutputQueue& queue);
  bool take_written(OutputQueue& queue, std::size_t offered, const net::IoResult& result);
  void finish_flush();
  void update_watch();
  void watch_again();
  void watch(std::uint32_t events);
  void check_backlog();
  void report_drained();

  // What a send touches comes first.
  LoopContext& context_;
  std::unique_ptr<OutputQueue> out_;  // what the protocol appended but for only_: plaintext under TLS
  Piece only_;                        // all the output there is, if it is in one piece
  bool connecting_ = false;
  bool reading_ = false;
  bool replaying_ = false;      // at the end of the turn kept input is to be handled, or a failure
  bool paused_ = false;         // by the user
  bool stalled_ = false;        // by the backlog
  bool initiated_ = false;      // we connected, rather than accepted
  bool awaits_empty_ = false;   // handle_drained() only when all is written
  bool drained_ = false;        // no longer; the protocol has not been told yet
  bool ended_ = false;          // the peer sent FIN
  bool input_stopped_ = false;  // by any of these, see update_watch()
  bool finishing_ = false;
  bool fin_sent_ = false;
  bool write_blocked_ = false;
  bool output_taken_ = false;
  bool closed_ = false;
  bool flushing_early_ = false;
  bool unwatched_ = false;  // the peer hung up; until the next change of watched_events_
  bool watch_failed_ = false;
  bool hung_up_ = false;  // it did so while the user had paused: output is dropped, input read to its end
  net::Socket socket_;
  std::uint32_t watched_events_ = 0;
  std::unique_ptr<tls::Engine> tls_;
  std::unique_ptr<Protocol> protocol_;
  std::unique_ptr<OutputQueue> encrypted_;  // TLS only: records to write
  Block* kept_input_ = nullptr;
  std::uint32_t kept_input_offset_ = 0;  // in the block
  std::uint32_t kept_input_bytes_ = 0;
  std::uint32_t unread_answer_bytes_ = 0;  // TLS only: what the engine answered since the kernel takes nothing
  int failed_errno_ = 0;                   // of a flush_early() or a watch that failed; abort() follows
  SessionId id_;
};

}  // namespace plait::transport
