#include <plait/hub.hpp>

#include <random>
#include <utility>

#include "hub/access.hpp"
#include "hub/connection.hpp"
#include "hub/engine.hpp"
#include "hub/handler.hpp"
#include "hub/topic_name.hpp"

namespace plait {

WallTime HubOptions::system_wall_clock() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

void HubOptions::system_random(MutableByteView bytes) {
  thread_local std::mt19937_64 generator{[] {
    std::random_device device;
    std::seed_seq seed{device(), device(), device(), device(), device(), device(), device(), device()};
    return std::mt19937_64{seed};
  }()};
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(generator());
}

Hub::Hub(HubOptions options) : engine_(std::make_unique<hub::Engine>(std::move(options))) {}
Hub::~Hub() = default;

HandlerFactory Hub::handler() {
  return [engine = engine_.get()] { return std::make_unique<hub::Handler>(*engine); };
}

bool Hub::publish(std::string_view topic, std::string_view json, Broker::PublishDone done) {
  if (!hub::is_topic(topic)) return false;
  engine_->publish(topic, json, std::move(done));
  return true;
}

HubStats Hub::stats() const { return engine_->stats(); }

void HubAccess::attach(Hub& hub, const std::vector<core::Executor*>& executors) { hub.engine_->attach(executors); }

}  // namespace plait
