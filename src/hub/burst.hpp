// Burst: publications of one topic on their way to this loop's subscribers, encoded at most once per form.
#pragma once

#include <plait/broker.hpp>
#include <plait/bytes.hpp>

#include <array>
#include <string>
#include <vector>

#include "wire/encode.hpp"

namespace plait::hub {

class Burst {
 public:
  void add(Publication&& publication) { publications_.push_back(std::move(publication)); }
  void clear() {
    publications_.clear();
    for (auto& frames : frames_) frames.clear();
  }
  [[nodiscard]] bool empty() const { return publications_.empty(); }
  [[nodiscard]] std::size_t size() const { return publications_.size(); }
  [[nodiscard]] const std::vector<Publication>& publications() const { return publications_; }

  /// One message per publication, in order.
  [[nodiscard]] const std::vector<Bytes>& frames(wire::Form form) {
    std::vector<Bytes>& frames = frames_[static_cast<std::size_t>(form)];
    if (frames.size() < publications_.size()) encode(form, frames);
    return frames;
  }

 private:
  void encode(wire::Form form, std::vector<Bytes>& frames) {
    std::string text;
    while (frames.size() < publications_.size()) {
      text.clear();
      wire::encode(text, form, publications_[frames.size()]);
      frames.push_back(Bytes::copy_of(text));
    }
  }

  std::vector<Publication> publications_;
  std::array<std::vector<Bytes>, wire::kFormCount> frames_;
};

}  // namespace plait::hub
