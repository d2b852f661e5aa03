// Worker: one loop of a server, its connections and listeners, and the thread that turns it.
#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "net/loop.hpp"
#include "server/certificate_loader.hpp"
#include "transport/loop_context.hpp"
#include "transport/quic/quic_listener.hpp"
#include "transport/tcp/acceptor.hpp"

namespace plait {

class Worker final : private core::Timer {
 public:
  Worker(std::unique_ptr<net::Loop> loop, const Limits& limits, std::uint32_t index,
         std::atomic<std::size_t>& connection_count)
      : loop_(std::move(loop)), context_(*loop_, limits, index, connection_count) {}
  ~Worker() override;

  [[nodiscard]] net::Loop& loop() { return *loop_; }
  [[nodiscard]] transport::LoopContext& context() { return context_; }
  [[nodiscard]] const transport::Counters& counters() const { return context_.counters; }

  /// Before the loop turns.
  Result<void, Error> listen(std::unique_ptr<transport::Acceptor> acceptor, bool framed);
  Result<void, Error> listen(std::unique_ptr<transport::QuicListener> listener);

  /// Turns the loop on the calling thread until stop(), then cuts what is left. Pins the thread if `cpu` >= 0.
  void run(int cpu);
  /// The same on a thread of its own; join() waits for it. Error: there is no thread left.
  Result<void, Error> start_thread(int cpu);
  void join();
  /// For a worker whose loop has never turned; run() does it at its end.
  void close_listeners();

  // From any thread:
  void stop();
  /// Closes all connections and stops when the server has none left on any loop, at most after `timeout`.
  void drain(Duration timeout);
  /// Hands a datagram to the listener that was given to listen() after `index` others. False: too many are under way,
  /// and it is lost, as any datagram may be.
  bool forward(std::size_t index, transport::StrayDatagram stray);
  void set_tls(const CertificateLoader::Contexts& tls, const quic::ServerTls& quic);

 private:
  struct Accepting {
    std::unique_ptr<transport::Acceptor> acceptor;
    bool framed;  // without HTTP: tcp: or tls:
  };

  void begin_drain(Duration timeout);
  void on_timer(core::TimePoint now) override;

  std::unique_ptr<net::Loop> loop_;
  transport::LoopContext context_;
  std::vector<Accepting> acceptors_;
  std::vector<std::unique_ptr<transport::QuicListener>> quic_listeners_;
  std::thread thread_;
  core::TimePoint drain_deadline_;
  bool has_ended_ = false;              // the loop's run()
  std::atomic<std::size_t> strays_{0};  // under way to this loop
};

}  // namespace plait
