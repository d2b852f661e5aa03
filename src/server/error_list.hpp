// ErrorList: all that is wrong with a config, one a line, so that nobody has to mend it error by error.
#pragma once

#include <plait/result.hpp>

#include <string>

namespace plait::server {

class ErrorList {
 public:
  void add(const Error& error) {
    if (!error_.message.empty()) error_.message += '\n';
    error_.message += error.message;
    if (error_.system_errno == 0) error_.system_errno = error.system_errno;
  }
  template <class T>
  void add(const Result<T, Error>& checked) {
    if (!checked) add(checked.error());
  }
  /// An error if there was one.
  [[nodiscard]] Result<void, Error> result() const {
    if (error_.message.empty()) return {};
    return err(error_);
  }

 private:
  Error error_;
};

}  // namespace plait::server
