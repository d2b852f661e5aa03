#include "wire/error.hpp"

namespace plait::wire {

std::string_view name_of(Error error) {
  switch (error) {
    case Error::unsupported_encoding:
      return "unsupported_encoding";
    case Error::not_json:
      return "not_json";
    case Error::not_an_object:
      return "not_an_object";
    case Error::type_missing:
      return "type_missing";
    case Error::type_invalid:
      return "type_invalid";
    case Error::payload_invalid:
      return "payload_invalid";
    case Error::cid_invalid:
      return "cid_invalid";
    case Error::priority_invalid:
      return "priority_invalid";
    case Error::action_invalid:
      return "action_invalid";
    case Error::topics_invalid:
      return "topics_invalid";
    case Error::recovery_invalid:
      return "recovery_invalid";
    case Error::publication_invalid:
      return "publication_invalid";
  }
  return {};
}

std::string_view name_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::auth_failed:
      return "AUTH_FAILED";
    case ErrorCode::rate_limited:
      return "RATE_LIMITED";
    case ErrorCode::invalid_message:
      return "INVALID_MESSAGE";
    case ErrorCode::unknown_type:
      return "UNKNOWN_TYPE";
    case ErrorCode::invalid_action:
      return "INVALID_ACTION";
    case ErrorCode::invalid_subscription:
      return "INVALID_SUBSCRIPTION";
    case ErrorCode::subscription_failed:
      return "SUBSCRIPTION_FAILED";
    case ErrorCode::publish_denied:
      return "PUBLISH_DENIED";
    case ErrorCode::publish_failed:
      return "PUBLISH_FAILED";
    case ErrorCode::overloaded:
      return "OVERLOADED";
  }
  return {};
}

ErrorCode code_of(Error error) {
  switch (error) {
    case Error::action_invalid:
      return ErrorCode::invalid_action;
    case Error::topics_invalid:
    case Error::recovery_invalid:
      return ErrorCode::invalid_subscription;
    default:
      return ErrorCode::invalid_message;
  }
}

}  // namespace plait::wire
