// TemporaryCertificate: a self-signed certificate and its key in a folder of their own, for as long as it lives.
#pragma once

#include "crypto/certificate.hpp"

#include <plait/result.hpp>

#include <filesystem>
#include <string>
#include <utility>

namespace plait::bench {

class TemporaryCertificate {
 public:
  static Result<TemporaryCertificate, Error> make(crypto::KeyKind key);
  TemporaryCertificate(TemporaryCertificate&& other) noexcept : folder_(std::exchange(other.folder_, {})) {}
  TemporaryCertificate& operator=(TemporaryCertificate&& other) noexcept {
    std::swap(folder_, other.folder_);
    return *this;
  }
  ~TemporaryCertificate();

  /// " --cert FILE --key FILE", as `plait bench serve` takes them.
  [[nodiscard]] std::string options() const;

 private:
  explicit TemporaryCertificate(std::filesystem::path folder) : folder_(std::move(folder)) {}
  std::filesystem::path folder_;
};

}  // namespace plait::bench
