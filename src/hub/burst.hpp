// Burst: publications of one topic on their way to this loop's subscribers, encoded at most once per form.
#pragma once

#include <plait/broker.hpp>
#include <plait/session.hpp>

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
    for (MessageBurst& messages : messages_) messages.clear();
  }
  [[nodiscard]] bool empty() const { return publications_.empty(); }
  [[nodiscard]] std::size_t size() const { return publications_.size(); }
  [[nodiscard]] const std::vector<Publication>& publications() const { return publications_; }

  /// One message per publication, in order.
  [[nodiscard]] const MessageBurst& messages(wire::Form form) {
    MessageBurst& messages = messages_[static_cast<std::size_t>(form)];
    if (messages.size() < publications_.size()) encode(form, messages);
    return messages;
  }

 private:
  void encode(wire::Form form, MessageBurst& messages) {
    std::string text;
    while (messages.size() < publications_.size()) {
      text.clear();
      wire::encode(text, form, publications_[messages.size()]);
      messages.add(MessageKind::text, Bytes::copy_of(text));
    }
  }

  std::vector<Publication> publications_;
  std::array<MessageBurst, wire::kFormCount> messages_;
};

}  // namespace plait::hub
