#include "transport/h3/h3_fetch.hpp"

#include "core/guard.hpp"
#include "transport/h3/h3_client_connection.hpp"

namespace plait::transport {
namespace {

constexpr const char* kWho = "a handler of a response";

}  // namespace

H3Fetch& H3Fetch::make(H3ClientConnection& connection, FetchRequest request, std::unique_ptr<ResponseHandler> handler,
                       core::TimePoint deadline, Duration part_timeout, SessionId id) {
  std::unique_ptr<H3Fetch> owned{new H3Fetch{connection, std::move(request), std::move(handler), part_timeout}};
  H3Fetch& fetch = *owned;
  fetch.id_ = connection.context().put(std::move(owned), id);
  connection.context().loop.schedule(fetch, deadline);
  return fetch;
}

H3Fetch::H3Fetch(H3ClientConnection& connection, FetchRequest request, std::unique_ptr<ResponseHandler> handler,
                 Duration part_timeout)
    : connection_(connection),
      request_(std::move(request)),
      handler_(std::move(handler)),
      part_timeout_(part_timeout) {}

bool H3Fetch::handle_head(const h3::ResponseHead& head) {
  connection_.context().loop.schedule(*this, connection_.context().loop.now() + part_timeout_);
  Response response{.status = head.status, .headers = {}, .body = {}};
  for (const http::Field& field : head.fields) response.headers.emplace_back(field.name, field.value);
  return core::guarded(kWho, [&] { handler_->on_head(response); });
}

bool H3Fetch::handle_body(ByteView part) {
  connection_.context().loop.schedule(*this, connection_.context().loop.now() + part_timeout_);
  bool goes_on = false;
  return core::guarded(kWho, [&] { goes_on = handler_->on_body(part); }) && goes_on;
}

void H3Fetch::finish(const Result<void, Error>& result) {
  cancel();
  LoopContext& context = connection_.context();
  context.loop.retire(context.entries.remove(id_));
  core::guarded(kWho, [&] { handler_->on_end(result); });
}

void H3Fetch::abort(const Disconnect& why) { connection_.give_up(*this, why.text()); }

void H3Fetch::on_timer(core::TimePoint) { connection_.give_up(*this, "the response took too long"); }

}  // namespace plait::transport
