// QlogFolder: a file of qlog for each QUIC connection of a server in development, named after the client's first
// Destination Connection ID: 83d1….sqlog, for qvis and other viewers.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>

#include "quic/qlog.hpp"

namespace plait {

/// What cannot be written is logged, once, and ends that file, never the connection. Any thread may call it.
class QlogFolder {
 public:
  struct Bounds {
    std::size_t file_bytes_max = std::size_t{8} << 20;  ///< a file ends before the record that would exceed it
    std::size_t files_max = 256;                        ///< in the life of the object
  };

  explicit QlogFolder(std::string folder) : QlogFolder(std::move(folder), Bounds{}) {}
  QlogFolder(std::string folder, const Bounds& bounds) : folder_(std::move(folder)), bounds_(bounds) {}
  QlogFolder(const QlogFolder&) = delete;
  QlogFolder& operator=(const QlogFolder&) = delete;

  /// As quic::MakeQlog. The folder outlives the file. A file that is there already is left alone.
  std::unique_ptr<quic::QlogWriter> open(ByteView connection_id);

 private:
  class File;
  void complain(const std::string& what);

  const std::string folder_;
  const Bounds bounds_;
  std::atomic<std::size_t> file_count_{0};
  std::atomic<bool> complained_{false};
};

}  // namespace plait
