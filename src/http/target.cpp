#include "http/target.hpp"

#include "http/authority.hpp"
#include "http/fields.hpp"
#include "http/grammar.hpp"

namespace plait::http {
namespace {

Result<Target, Error> split_path(std::string_view text, std::string_view authority) {
  if (has_backslash_in_path(text)) return err(Error::bad_target);
  Target target{.path = {}, .query = {}, .authority = authority};
  target.path = take_until(text, '?');
  target.query = text;
  if (target.path.empty()) target.path = "/";
  return target;
}

Result<Target, Error> parse_absolute_form(std::string_view text) {
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos) return err(Error::bad_target);
  const std::string_view scheme = text.substr(0, colon);
  const bool secure = equals_ignoring_case(scheme, "https");
  if (!secure && !equals_ignoring_case(scheme, "http")) return err(Error::bad_target);
  text.remove_prefix(colon + 3);
  const std::string_view authority = text.substr(0, text.find_first_of("/?"));
  if (!parse_authority(authority)) return err(Error::bad_target);
  auto target = split_path(text.substr(authority.size()), authority);
  if (target) target->secure = secure;
  return target;
}

Result<Target, Error> parse_authority_form(std::string_view text) {
  const auto authority = parse_authority(text);
  if (!authority || !authority->port) return err(Error::bad_target);
  return Target{.path = {}, .query = {}, .authority = text};
}

}  // namespace

Result<Target, Error> parse_target(std::string_view method, std::string_view text) {
  if (text.empty() || !all_in_class(text, CharClass::target)) return err(Error::bad_target);
  if (method == "CONNECT") return parse_authority_form(text);
  if (text.front() == '/') return split_path(text, {});
  if (text == "*" && method == "OPTIONS") return Target{.path = text, .query = {}, .authority = {}};
  return parse_absolute_form(text);
}

}  // namespace plait::http
