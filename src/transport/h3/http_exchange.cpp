#include "transport/h3/http_exchange.hpp"

#include "http/fields.hpp"
#include "http/grammar.hpp"

namespace plait::transport {

HttpExchange::HttpExchange(const h3::RequestHead& head, core::TimePoint deadline)
    : method_(head.method), protocol_(head.protocol), deadline_(deadline) {
  const std::size_t question = head.path.find('?');
  path_ = head.path.substr(0, question);
  if (question != std::string_view::npos) query_ = head.path.substr(question + 1);
  for (const http::Field& field : head.fields) fields_.emplace_back(field.name, field.value);
  if (!head.authority.empty()) fields_.emplace_back("host", head.authority);
}

bool HttpExchange::take(ByteView content, std::size_t bytes_max) {
  if (content.size() > bytes_max - content_.size()) return false;
  content_ += as_text(content);
  return true;
}

std::optional<std::string_view> HttpExchange::field(std::string_view name) const {
  for (const auto& [own, value] : fields_) {
    if (http::equals_ignoring_case(own, name)) return value;
  }
  return std::nullopt;
}

std::string HttpExchange::list_field(std::string_view name) const {
  std::string list;
  for (const auto& [own, value] : fields_) {
    if (!http::equals_ignoring_case(own, name)) continue;
    if (!list.empty()) list += ", ";
    list += value;
  }
  return list;
}

class HttpExchange::Request final : public PageRequest {
 public:
  Request(const HttpExchange& exchange, const Router& router, Peer peer)
      : PageRequest(router, router.find(exchange.path_), std::move(peer)), exchange_(exchange) {}

  [[nodiscard]] std::string_view method() const override { return exchange_.method_; }
  [[nodiscard]] std::string_view path() const override { return exchange_.path_; }
  [[nodiscard]] std::string_view query() const override { return exchange_.query_; }
  [[nodiscard]] std::string_view header(std::string_view name) const override {
    return exchange_.field(name).value_or(std::string_view{});
  }
  [[nodiscard]] std::string_view body() const override { return exchange_.content_; }

 private:
  const HttpExchange& exchange_;
};

HttpResponse HttpExchange::answer(const Router& router, Peer peer) const {
  return Request{*this, router, std::move(peer)}.answer();
}

}  // namespace plait::transport
