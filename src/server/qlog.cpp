#include "server/qlog.hpp"

#include <plait/log.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "core/hex.hpp"

namespace plait {
namespace {

struct Closing {
  void operator()(std::FILE* file) const { static_cast<void>(std::fclose(file)); }
};
using OwnedFile = std::unique_ptr<std::FILE, Closing>;

// For its owner alone: it has the connection's stateless reset tokens.
OwnedFile make_file(const std::string& name) {
  const int fd = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return nullptr;
  OwnedFile file{::fdopen(fd, "w")};
  if (file == nullptr) ::close(fd);
  return file;
}

}  // namespace

class QlogFolder::File final : public quic::QlogWriter {
 public:
  File(QlogFolder& folder, std::string name, OwnedFile file)
      : folder_(folder), name_(std::move(name)), file_(std::move(file)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() override {
    if (file_ != nullptr && std::fflush(file_.get()) != 0) fail();
  }

  void write(ByteView record) override {
    if (file_ == nullptr) return;
    if (record.size() > folder_.bounds_.file_bytes_max - size_) return end();
    if (std::fwrite(record.data(), 1, record.size(), file_.get()) != record.size()) return fail();
    size_ += record.size();
  }

 private:
  void end() {
    if (std::fflush(file_.get()) != 0) return fail();
    file_.reset();
    log(LogLevel::warning, name_ + " has reached " + std::to_string(folder_.bounds_.file_bytes_max) +
                               " bytes and ends here; its connection goes on");
  }
  void fail() {
    folder_.complain("cannot write " + name_ + ": " + std::strerror(errno));
    file_.reset();
  }

  QlogFolder& folder_;
  const std::string name_;
  OwnedFile file_;
  std::size_t size_ = 0;
};

std::unique_ptr<quic::QlogWriter> QlogFolder::open(ByteView connection_id) {
  if (file_count_.fetch_add(1, std::memory_order_relaxed) >= bounds_.files_max) {
    file_count_.fetch_sub(1, std::memory_order_relaxed);
    complain("the folder has all " + std::to_string(bounds_.files_max) + " qlog files that one server writes");
    return nullptr;
  }
  std::string name = folder_ + "/" + core::hex(connection_id) + ".sqlog";
  OwnedFile file = make_file(name);
  if (file == nullptr) {
    file_count_.fetch_sub(1, std::memory_order_relaxed);
    complain("cannot make " + name + ": " + std::strerror(errno));
    return nullptr;
  }
  return std::make_unique<File>(*this, std::move(name), std::move(file));
}

void QlogFolder::complain(const std::string& what) {
  if (complained_.exchange(true, std::memory_order_relaxed)) return;
  log(LogLevel::warning, what + "; what else cannot be written is not told");
}

}  // namespace plait
