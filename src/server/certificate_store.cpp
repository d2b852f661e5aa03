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

// Two files that change are several events, and SIGHUP may come behind them: what is the same is said once.
void CertificateStore::try_reload() {
  if (!is_loaded()) return log(LogLevel::info, "there is no certificate to read again");
  watch_files();  // anew, and before they are read: their folders may be others by now
  const auto reloaded = reload();
  std::string line =
      reloaded ? "the certificate was read again: it is valid until " + date_text(certificates().front().not_after)
               : reloaded.error().message;
  const core::TimePoint now = std::chrono::steady_clock::now();
  if (line == reload_line_ && now - reload_said_at_ < kReloadRepeatMin) return;
  log(reloaded ? LogLevel::info : LogLevel::warning, line);
  reload_line_ = std::move(line);
  reload_said_at_ = now;
}

void CertificateStore::watch(net::Loop& loop) {
  if (!is_loaded()) return;
  loop_ = &loop;
  watch_files();
  watch_age();
}

void CertificateStore::end_watch() {
  cancel();
  file_watch_.reset();
  loop_ = nullptr;
}

// A convenience that the system may refuse (the folder may not be listed, the user's watches are used up).
void CertificateStore::watch_files() {
  if (loop_ == nullptr || first_.files.empty()) return;
  file_watch_.reset();
  auto watch = net::FileWatch::make(*loop_, first_.files, [this] { try_reload(); });
  if (watch) {
    file_watch_ = std::move(*watch);
  } else {
    log(LogLevel::warning, "the certificate's files are not watched: SIGHUP or Server::reload() reads new ones (" +
                               watch.error().message + ")");
  }
}

void CertificateStore::watch_age() {
  if (is_development_) loop_->schedule(*this, loop_->now() + kAgeCheckInterval);
}

void CertificateStore::on_timer(core::TimePoint) {
  if (const auto reloaded = reload(); !reloaded) log(LogLevel::warning, reloaded.error().message);
  watch_age();
}

}  // namespace plait
