// HttpExchange: one request of a page over HTTP/3, from its head to its response.
#pragma once

#include <plait/server.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/release_memory.hpp"
#include "core/timer.hpp"
#include "h3/message.hpp"
#include "transport/page.hpp"
#include "transport/router.hpp"

namespace plait::transport {

/// Owns what it was asked, because a request's head and content come in several events.
class HttpExchange {
 public:
  /// All of it has to be there by `deadline`.
  HttpExchange(const h3::RequestHead& head, core::TimePoint deadline);

  /// More content. False: it is more than `bytes_max` in all.
  [[nodiscard]] bool take(ByteView content, std::size_t bytes_max);
  /// The handler's response, or a refusal: 404, 500.
  [[nodiscard]] HttpResponse answer(const Router& router, Peer peer) const;
  [[nodiscard]] core::TimePoint deadline() const { return deadline_; }
  /// All of it is there: nothing is expected of the client any more.
  [[nodiscard]] bool is_whole() const { return whole_; }
  void set_whole() { whole_ = true; }
  /// Frees the fields and the content; how much of that there was.
  std::size_t drop_request() {
    core::release_memory(fields_);
    return std::exchange(content_, {}).size();
  }
  [[nodiscard]] std::size_t content_bytes() const { return content_.size(); }
  [[nodiscard]] bool wants_head_only() const { return method_ == "HEAD"; }

  [[nodiscard]] std::string_view path() const { return path_; }    ///< without the query
  [[nodiscard]] std::string_view query() const { return query_; }  ///< after "?"
  /// :protocol of an extended CONNECT, or empty.
  [[nodiscard]] std::string_view protocol() const { return protocol_; }
  [[nodiscard]] bool is_connect() const { return method_ == "CONNECT"; }
  /// The value of a field; `host` is :authority.
  [[nodiscard]] std::optional<std::string_view> field(std::string_view name) const;
  /// Of a field that is a list: the values of all its lines, with ", " between them (RFC 9110 §5.3).
  [[nodiscard]] std::string list_field(std::string_view name) const;

 private:
  class Request;

  std::string method_;
  std::string path_;
  std::string query_;
  std::string protocol_;
  std::vector<std::pair<std::string, std::string>> fields_;
  std::string content_;
  core::TimePoint deadline_;
  bool whole_ = false;
};

}  // namespace plait::transport
