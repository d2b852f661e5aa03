#include "server/worker.hpp"

#include <plait/log.hpp>

#include <chrono>
#include <utility>

#include "core/bounded.hpp"
#include "net/affinity.hpp"
#include "net/thread.hpp"

namespace plait {
namespace {

constexpr std::chrono::milliseconds kDrainCheck{20};
constexpr std::size_t kStraysMax = 4096;  // at most 6 MB of ordinary packets; a few more where loops forward at once

}  // namespace

Worker::~Worker() { join(); }

Result<void, Error> Worker::listen(std::unique_ptr<transport::Acceptor> acceptor, bool framed) {
  auto started = acceptor->start();
  acceptors_.push_back({std::move(acceptor), framed});
  return started;
}

Result<void, Error> Worker::listen(std::unique_ptr<transport::QuicListener> listener) {
  auto started = listener->start();
  quic_listeners_.push_back(std::move(listener));
  return started;
}

void Worker::run(int cpu) {
  if (cpu >= 0) {
    if (auto pinned = net::pin_this_thread(cpu); !pinned) log(LogLevel::warning, pinned.error().message);
  }
  loop_->run();
  has_ended_ = true;
  cancel();
  acceptors_.clear();
  for (const auto& listener : quic_listeners_) listener->stop();
  context_.end_connections();
  quic_listeners_.clear();
}

void Worker::close_listeners() {
  acceptors_.clear();
  quic_listeners_.clear();
}

Result<void, Error> Worker::start_thread(int cpu) {
  auto started = net::start_thread([this, cpu] { run(cpu); });
  if (!started) return err(started.error());
  thread_ = std::move(*started);
  return {};
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

void Worker::stop() { loop_->stop(); }

void Worker::set_tls(const CertificateLoader::Contexts& tls, const quic::ServerTls& quic) {
  loop_->post([this, tls, quic] {
    for (const auto& listener : quic_listeners_) listener->set_tls(quic);
    for (const auto& [acceptor, framed] : acceptors_) {
      if (acceptor->secure()) acceptor->set_tls(framed ? tls.framed : tls.http);
    }
  });
}

bool Worker::forward(std::size_t index, transport::StrayDatagram stray) {
  if (strays_.load(std::memory_order_relaxed) >= kStraysMax) return false;
  strays_.fetch_add(1, std::memory_order_relaxed);
  loop_->post([this, index, stray = std::move(stray)] {
    strays_.fetch_sub(1, std::memory_order_relaxed);
    if (index < quic_listeners_.size()) quic_listeners_[index]->handle_stray(stray);
  });
  return true;
}

void Worker::drain(Duration timeout) {
  loop_->post([this, timeout] { begin_drain(timeout); });
}

void Worker::begin_drain(Duration timeout) {
  if (has_ended_) return;                            // and its connections are being cut
  if (drain_deadline_ != core::TimePoint{}) return;  // a second call must not put it off
  for (const auto& accepting : acceptors_) accepting.acceptor->stop();
  for (const auto& listener : quic_listeners_) listener->stop();
  drain_deadline_ = loop_->now() + core::bounded(timeout);
  context_.entries.for_each([](transport::LoopEntry& connection) { connection.drain(); });
  loop_->schedule(*this, loop_->now());
}

void Worker::on_timer(core::TimePoint now) {
  // Other loops may still need this one: for signals, for the topics that it has, for datagrams that go through it.
  if (context_.connection_count == 0 || now >= drain_deadline_) return loop_->stop();
  loop_->schedule(*this, now + kDrainCheck);
}

}  // namespace plait
