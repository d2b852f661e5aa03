// Opening: one opening handshake of a session on the server's side, from the request to its answer, the same on every
// wire. How the request came and how the answer leaves is the wire's: a subclass gives the former, an Owner the latter.
#pragma once

#include <plait/server.hpp>
#include <plait/session.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "transport/loop_context.hpp"
#include "transport/middleware_chain.hpp"
#include "transport/router.hpp"
#include "transport/wants.hpp"

namespace plait::transport {

class Opening : public OpeningRequest {
 public:
  class Owner {
   public:
    /// A deferred opening has its answer. May destroy it.
    virtual void finish_opening(Opening& opening) = 0;

   protected:
    ~Owner() = default;
  };

  /// All outlive the opening.
  Opening(LoopContext& context, const Router& router, Owner& owner, std::optional<ClientCertificate> certificate)
      : context_(context), router_(router), owner_(owner), chain_(router), certificate_(std::move(certificate)) {}
  Opening(const Opening&) = delete;
  Opening& operator=(const Opening&) = delete;
  ~Opening() override { end_deferral(); }

  /// Asks the middleware, checks the request and asks the handler. Afterwards it is deferred, accepted, or refused.
  /// `match` is that of path().
  void run(RouteMatch match);
  /// Of a deferred one: gives `task` the request. Once it is answered, the owner hears of it, and it may be gone.
  void answer(const std::function<void(OpeningRequest&)>& task);
  /// The same by a refusal.
  void give_up(int status, std::string_view reason);

  [[nodiscard]] bool is_deferred() const { return state_ == State::deferred; }
  [[nodiscard]] bool is_accepted() const { return state_ == State::accepted; }
  // Once it is accepted.
  [[nodiscard]] const std::string& accepted_subprotocol() const { return accepted_subprotocol_; }
  [[nodiscard]] Wants wants() const { return wants_; }
  [[nodiscard]] std::unique_ptr<SessionHandler> take_handler() { return std::move(handler_); }
  // Once it is not. The body is the reason with a line end.
  [[nodiscard]] const HttpResponse& refusal() const { return refusal_; }

  [[nodiscard]] std::string_view parameter(std::string_view name) const final { return match_.parameter(name); }
  [[nodiscard]] const ClientCertificate* certificate() const final { return certificate_ ? &*certificate_ : nullptr; }
  [[nodiscard]] bool is_origin_allowed() const final {
    return router_.allows_origin(origin(), header("host"), secure());
  }
  [[nodiscard]] std::string_view user() const final { return user_; }
  void set_user(std::string_view user) final { user_ = user; }
  void accept(std::string_view subprotocol) final;
  void reject(int status, std::string_view reason) final;
  OpeningId defer() final;

 protected:
  /// The Origin field; a page's opening has one.
  [[nodiscard]] virtual std::optional<std::string_view> origin() const = 0;
  /// Of the response that accepts.
  [[nodiscard]] virtual int accepted_status() const { return 200; }
  /// Whether the request follows the wire's rules; else the refusal.
  [[nodiscard]] virtual std::optional<HttpResponse> check() { return std::nullopt; }
  /// The views of the request will end before the opening does: copy what they show.
  virtual void own() = 0;
  [[nodiscard]] LoopContext& context() const { return context_; }
  [[nodiscard]] const Router& router() const { return router_; }

 private:
  enum class State : std::uint8_t { asking, deferred, accepted, refused };

  void refuse(HttpResponse refusal);
  void decide();
  void ask();
  void conclude();
  template <class Call>
  void guarded(std::string_view function, Call&& call);
  [[nodiscard]] std::string name() const { return "the handler of " + std::string{path().substr(0, 256)}; }
  void end_deferral();

  LoopContext& context_;
  const Router& router_;
  Owner& owner_;
  MiddlewareChain chain_;
  const std::optional<ClientCertificate> certificate_;
  RouteMatch match_;
  std::unique_ptr<SessionHandler> handler_;
  Wants wants_;
  std::string accepted_subprotocol_;
  std::string user_;
  HttpResponse refusal_;
  std::uint64_t number_ = 0;  // while it may be found by its OpeningId
  State state_ = State::asking;
};

}  // namespace plait::transport
