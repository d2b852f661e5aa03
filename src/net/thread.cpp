#include "net/thread.hpp"

#include <system_error>
#include <utility>

namespace plait::net {

Result<std::thread, Error> start_thread(std::function<void()> body) {
  try {
    return std::thread{std::move(body)};
  } catch (const std::system_error& error) {
    return err(Error{"no thread is left for it (" + error.code().message() +
                         "): a limit of processes, as ulimit -u or a container's, or of memory is too low",
                     error.code().value()});
  }
}

}  // namespace plait::net
