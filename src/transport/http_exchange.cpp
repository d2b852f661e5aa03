#include "transport/http_exchange.hpp"

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

HttpResponse HttpExchange::answer(const Router& router, const std::string& peer, const PagePeer& who) const {
  const RouteMatch match = router.find(path_);
  const HttpRequest request{.method = method_,
                            .path = path_,
                            .query = query_,
                            .body = content_,
                            .header = [this](std::string_view name) { return field(name).value_or(""); },
                            .parameter = [&match](std::string_view name) { return match.parameter(name); },
                            .peer = peer};
  return answer_page(router, match, request, who);
}

}  // namespace plait::transport
