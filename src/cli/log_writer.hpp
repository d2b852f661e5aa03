// LogWriter: the log of a server on standard error, written by a thread of its own.
//
// Loops write the log, and a write to a pipe blocks for as long as its reader pleases. So they only queue lines, and
// one thread writes them; what the queue cannot hold, a full disk does not take, nobody reads or no thread can be had
// for is lost and counted, and the number is told as soon as lines flow again: never, where there never is a thread.
// The thread is there while there are lines, and none is tried before. In a process of one thread system calls need not
// count references to descriptors, which is worth 15 ns each, and in one that never had another the C library need not
// make each a point of cancellation: a server of one loop is such a process while it has nothing to say.
// It runs where the thread may run that wrote the first line.
#pragma once

#include <plait/log.hpp>

#include <memory>

namespace plait::cli {

class LogWriter {
 public:
  /// Lines of `least` and above go to standard error as "plait: LEVEL: LINE", until this is destroyed; no second one
  /// meanwhile.
  explicit LogWriter(LogLevel least);
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;
  /// Ends the log. Waits for what is queued to be written, at most a second.
  ~LogWriter();

 private:
  class Queue;

  std::shared_ptr<Queue> queue_;  // also the thread's, which a reader that stalls may hold beyond this
};

}  // namespace plait::cli
