#include "client/gathered_response.hpp"

#include <utility>

namespace plait::client {
namespace {

class Gathering final : public ResponseHandler {
 public:
  Gathering(std::size_t body_bytes_max, std::function<void(const Result<Response, Error>&)> done)
      : body_bytes_max_(body_bytes_max), done_(std::move(done)) {}

  void on_head(const Response& head) override { response_ = head; }
  bool on_body(ByteView part) override {
    is_too_large_ = part.size() > body_bytes_max_ - response_.body.size();
    if (!is_too_large_) response_.body += as_text(part);
    return !is_too_large_;
  }
  void on_end(const Result<void, Error>& result) override {
    if (is_too_large_) {
      done_(err(Error{"the response has more than " + std::to_string(body_bytes_max_) +
                      " bytes (Limits::message_bytes_max)"}));
    } else if (!result) {
      done_(err(result.error()));
    } else {
      done_(std::move(response_));
    }
  }

 private:
  const std::size_t body_bytes_max_;
  const std::function<void(const Result<Response, Error>&)> done_;
  Response response_;
  bool is_too_large_ = false;
};

}  // namespace

std::unique_ptr<ResponseHandler> gather_response(std::size_t body_bytes_max,
                                                 std::function<void(const Result<Response, Error>&)> done) {
  return std::make_unique<Gathering>(body_bytes_max, std::move(done));
}

}  // namespace plait::client
