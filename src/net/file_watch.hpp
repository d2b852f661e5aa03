// FileWatch: says that a file has new content. For certificates that are renewed while the server runs.
//
// What is watched is each file's directory, because renewal replaces the file (by rename, or by turning a symbolic
// link) and a watch of the file itself would stay with the old one.
#pragma once

#include <plait/result.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/loop.hpp"

struct inotify_event;

namespace plait::net {

class FileWatch final : private EventHandler {
 public:
  /// Calls `on_change` on `loop`, once a turn at most, after a writer closed one of `paths`, after another file or
  /// symbolic link was put in its place, or after a link that its path goes through in its own directory was turned (as
  /// Kubernetes does with `..data`), or after one of the directories was removed: no more is heard of that one, even if
  /// it is made again, until another watch is made. Not seen: writing in place behind a symbolic link to another
  /// directory, and turning a link that the directory's own path goes through.
  /// The files need not exist yet, their directories must; the error names the one that does not.
  /// `loop` must outlive the watch.
  static Result<std::unique_ptr<FileWatch>, Error> make(Loop& loop, const std::vector<std::string>& paths,
                                                        std::function<void()> on_change);
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;
  /// Safe inside on_change.
  ~FileWatch();

 private:
  struct File;
  FileWatch(Loop& loop, std::function<void()> on_change);
  Result<void, Error> open(const std::vector<std::string>& paths);
  Result<void, Error> add(const std::string& path);
  void handle_events(std::uint32_t events) override;
  [[nodiscard]] bool drain();
  [[nodiscard]] bool concerns_a_file(const inotify_event& event, std::string_view name);

  Loop& loop_;
  std::function<void()> on_change_;
  int inotify_fd_ = -1;
  std::vector<File> files_;
};

}  // namespace plait::net
