// Handler: binds one session to a Connection once it is known who it is.
#pragma once

#include <plait/hub.hpp>
#include <plait/session.hpp>

#include <memory>

#include "hub/connection.hpp"
#include "hub/engine.hpp"
#include "hub/expiry.hpp"

namespace plait::hub {

class Handler final : public SessionHandler {
 public:
  /// `engine` is attached and outlives the handler.
  explicit Handler(Engine& engine) : engine_(engine) {}

  /// Asks the Authenticator. Who is not authenticated is refused with its refusal_status; without one accepted all the
  /// same: browsers show a status code to nobody, but an error message and a close code to the page.
  void on_request(OpeningRequest& request) override;
  void on_open(Session& session) override;
  void on_message(Session& session, const Message& message) override;
  void on_writable(Session& session) override;
  void on_close(Session& session, const CloseInfo& info) override;

 private:
  Engine& engine_;
  Identity identity_{true, "anonymous", {}};
  std::unique_ptr<Connection> connection_;
  std::unique_ptr<Expiry> expiry_;  // if identity_ has one
};

}  // namespace plait::hub
