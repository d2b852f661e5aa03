#include "server/certificate_store.hpp"

#include <plait/log.hpp>

#include <chrono>
#include <utility>

namespace plait {
namespace {

constexpr std::chrono::hours kAgeCheckInterval{1};
constexpr std::chrono::seconds kReloadRepeatMin{10};

}  // namespace

Result<void, Error> CertificateStore::load() {
  if (is_loaded()) return {};
  auto loaded = loader_.load();
  if (!loaded) return err(loaded.error());
  first_ = std::move(*loaded);
  keep(first_);
  return {};
}

void CertificateStore::keep(const CertificateLoader::Loaded& loaded) {
  for (const std::string& warning : loaded.warnings) log(LogLevel::warning, warning);
  const ServerCertificate& certificate = loaded.description;
  const std::scoped_lock lock{served_mutex_};
  std::erase_if(served_, [&](const ServerCertificate& served) { return served.sha256 == certificate.sha256; });
  served_.insert(served_.begin(), certificate);
  if (served_.size() > 2) served_.pop_back();
}

std::vector<ServerCertificate> CertificateStore::certificates() const {
  const std::scoped_lock lock{served_mutex_};
  std::vector<ServerCertificate> certificates = served_;
  const auto now = std::chrono::system_clock::now();
  if (certificates.size() > 1 && certificates.back().not_after < now) certificates.pop_back();
  return certificates;
}

// --- Renewal ---------------------------------------------------------------------------------------------------------

// One at a time, or an older pair could be handed out behind a newer one.
Result<void, Error> CertificateStore::reload() {
  if (!is_loaded()) return {};
  const std::scoped_lock lock{reload_mutex_};
  const auto loaded = loader_.load();
  if (!loaded) return err(loaded.error());
  on_new_(*loaded);
  keep(*loaded);
  return {};
}

void CertificateStore::try_reload() {
  if (!is_loaded()) return log(LogLevel::info, "there is no certificate to read again");
  refresh(false);
}

// `again`: nobody asks, but the last time has failed, or a development certificate grows old. Files that were read then
// and cannot be watched still are left alone: each reading ends the clients' session tickets.
void CertificateStore::refresh(bool again) {
  const bool watched = watch_files();  // anew, and before they are read: their folders may be others by now
  if (watched || !again || !is_read_ || is_development_) read_again(again);
  schedule(watched && is_read_);
}

// Two files that change are several events, and SIGHUP may come behind them: what is the same is said once.
void CertificateStore::read_again(bool again) {
  const auto reloaded = reload();
  is_read_ = reloaded.has_value();
  std::string line =
      reloaded ? "the certificate was read again: it is valid until " + date_text(certificates().front().not_after)
               : reloaded.error().message;
  const core::TimePoint now = std::chrono::steady_clock::now();
  if (line == reload_line_ && (again || now - reload_said_at_ < kReloadRepeatMin)) return;
  log(reloaded ? LogLevel::info : LogLevel::warning, line);
  reload_line_ = std::move(line);
  reload_said_at_ = now;
}

void CertificateStore::watch(net::Loop& loop) {
  if (!is_loaded()) return;
  loop_ = &loop;
  schedule(watch_files());
}

void CertificateStore::end_watch() {
  cancel();
  file_watch_.reset();
  loop_ = nullptr;
}

// A convenience that the system may refuse (the folder may not be listed, the user's watches are used up). The watch
// there is stays then: it may still see some of the files.
bool CertificateStore::watch_files() {
  if (loop_ == nullptr || first_.files.empty()) return true;
  auto watch = net::FileWatch::make(*loop_, first_.files, [this] { try_reload(); });
  if (watch) {
    file_watch_ = std::move(*watch);
    watch_line_.clear();
    return true;
  }
  std::string line = "the certificate's files are not watched: SIGHUP or Server::reload() reads new ones (" +
                     watch.error().message + ")";
  if (line != watch_line_) log(LogLevel::warning, line);
  watch_line_ = std::move(line);
  return false;
}

void CertificateStore::schedule(bool is_done) {
  cancel();
  if (loop_ == nullptr || (is_done && !is_development_)) return;
  loop_->schedule(*this, loop_->now() + (is_done ? kAgeCheckInterval : retry_interval_));
}

void CertificateStore::on_timer(core::TimePoint) { refresh(true); }

}  // namespace plait
