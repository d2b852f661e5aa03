// CertificateStore: the certificate that a server's listeners show, from its first reading to the last of its renewals.
#pragma once

#include <plait/server.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "core/timer.hpp"
#include "net/file_watch.hpp"
#include "server/certificate_loader.hpp"

namespace plait {

class CertificateStore final : private core::Timer {
 public:
  /// `on_new` gets each that was read after the first, on the thread that asked for it.
  CertificateStore(const ServerOptions& options, std::function<void(const CertificateLoader::Loaded&)> on_new,
                   Duration retry_interval = std::chrono::minutes{1})
      : loader_(options),
        is_development_(options.development_certificate),
        on_new_(std::move(on_new)),
        retry_interval_(retry_interval) {}

  /// Reads it, for the first listener that needs one; nothing for the others. At set-up.
  Result<void, Error> load();
  /// What load() has read. The listeners have the newer ones.
  [[nodiscard]] const CertificateLoader::Loaded& first() const { return first_; }

  /// Reads it again when its files change, and replaces a development certificate before it expires, on `loop`, until
  /// end_watch(). Nothing without load().
  void watch(net::Loop& loop);
  void end_watch();
  /// As Server::reload(), with a line of log for what came of it. What failed, perhaps because there was no file
  /// descriptor left, is tried again after `retry_interval`. On the loop of watch().
  void try_reload();

  /// As Server's functions of these names. From any thread.
  Result<void, Error> reload();
  [[nodiscard]] std::vector<ServerCertificate> certificates() const;

 private:
  [[nodiscard]] bool is_loaded() const { return first_.quic.has_value(); }
  void keep(const CertificateLoader::Loaded& loaded);
  void refresh(bool again);
  void read_again(bool again);
  bool watch_files();
  void schedule(bool is_done);
  void on_timer(core::TimePoint) override;

  const CertificateLoader loader_;
  const bool is_development_;
  const std::function<void(const CertificateLoader::Loaded&)> on_new_;
  const Duration retry_interval_;
  CertificateLoader::Loaded first_;
  net::Loop* loop_ = nullptr;  // between watch() and end_watch()
  std::unique_ptr<net::FileWatch> file_watch_;
  std::string watch_line_;   // why the files are not watched now
  bool is_read_ = true;      // refresh() has read what there was
  std::string reload_line_;  // what read_again() said last
  core::TimePoint reload_said_at_;
  std::mutex reload_mutex_;                // held by all of reload(): reading, on_new_, keep(); before the next
  mutable std::mutex served_mutex_;        // guards served_
  std::vector<ServerCertificate> served_;  // newest first
};

}  // namespace plait
