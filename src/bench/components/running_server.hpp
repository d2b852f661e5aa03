// RunningServer: a server under test from its start until it goes out of scope.
#pragma once

#include "bench/components/process.hpp"
#include "bench/components/temporary_certificate.hpp"
#include "bench/server_spec.hpp"
#include "bench/url.hpp"

#include <optional>

namespace plait::bench {

class RunningServer {
 public:
  /// Starts it and waits until it serves, 15 s at most. One that ends before, and whose port was chosen here, is
  /// started once more with another port. The error holds the last lines that it wrote.
  static Result<RunningServer, Error> start(const ServerSpec& spec, const Row& row, std::optional<int> cpu);

  /// Where the row's connections go.
  [[nodiscard]] const Url& url() const { return url_; }
  [[nodiscard]] Process& process() { return process_; }

 private:
  RunningServer(Process process, Url url) : process_(std::move(process)), url_(std::move(url)) {}
  std::optional<TemporaryCertificate> certificate_;
  Process process_;
  Url url_;
};

}  // namespace plait::bench
