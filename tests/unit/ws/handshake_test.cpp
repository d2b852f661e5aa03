#include "ws/handshake.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <utility>

namespace plait::ws {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr std::string_view kAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

using FieldList = std::vector<std::pair<std::string_view, std::string_view>>;

HandshakeFields fields_of(const FieldList& list) {
  HandshakeFields fields;
  for (const auto& [name, value] : list) fields.add(name, value);
  return fields;
}

FieldList good_request() {
  return {{"Host", "server.example.com"}, {"Upgrade", "websocket"},        {"Connection", "Upgrade"},
          {"Sec-WebSocket-Key", kKey},    {"Sec-WebSocket-Version", "13"}, {"Origin", "http://example.com"}};
}

FieldList good_response() {
  return {{"Upgrade", "websocket"}, {"Connection", "Upgrade"}, {"Sec-WebSocket-Accept", kAccept}};
}

FieldList without(FieldList list, std::string_view name) {
  std::erase_if(list, [name](const auto& field) { return field.first == name; });
  return list;
}

FieldList with(FieldList list, std::string_view name, std::string_view value) {
  list.emplace_back(name, value);
  return list;
}

FieldList replaced(FieldList list, std::string_view name, std::string_view value) {
  return with(without(std::move(list), name), name, value);
}

std::optional<HandshakeError> request_error(const FieldList& list, std::string_view method = "GET", int minor = 1) {
  const auto result = check_request(method, minor, fields_of(list));
  return result ? std::nullopt : std::optional{result.error()};
}

AcceptKey expected_accept() {
  AcceptKey accept;
  std::copy(kAccept.begin(), kAccept.end(), accept.begin());
  return accept;
}

std::optional<HandshakeError> response_error(const FieldList& list, int status = 101) {
  const auto result = check_response(status, fields_of(list), expected_accept());
  return result ? std::nullopt : std::optional{result.error()};
}

// --- Keys -----------------------------------------------------------------------------------------------------------

// The digest that RFC 6455 §1.3 prints, for the text that it prints.
std::array<std::uint8_t, 20> sha1_of_the_example(ByteView text) {
  EXPECT_EQ(as_text(text), "dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
  return {0xb3, 0x7a, 0x4f, 0x2c, 0xc0, 0x62, 0x4f, 0x16, 0x90, 0xf6,
          0x46, 0x06, 0xcf, 0x38, 0x59, 0x45, 0xb2, 0xbe, 0xc4, 0xea};
}

TEST(Handshake, Rfc6455Section1_3_AcceptKey) {
  const AcceptKey accept = accept_key(kKey, sha1_of_the_example);
  EXPECT_EQ(std::string_view(accept.data(), accept.size()), kAccept);
}

TEST(Handshake, Rfc6455Section4_1_KeyFromSixteenBytes) {
  const std::string_view nonce = "the sample nonce";
  std::array<std::uint8_t, 16> random;
  std::copy(nonce.begin(), nonce.end(), random.begin());
  const Key key = make_key(random);
  EXPECT_EQ(std::string_view(key.data(), key.size()), kKey);
}

TEST(Handshake, Section4_2_1_KeyIsSixteenBytesInBase64) {
  EXPECT_TRUE(is_valid_key(kKey));
  EXPECT_FALSE(is_valid_key(""));
  EXPECT_FALSE(is_valid_key("dGhlIHNhbXBsZSBub25jZQ"));    // no padding
  EXPECT_FALSE(is_valid_key("dGhlIHNhbXBsZSBub25j"));      // 15 bytes
  EXPECT_FALSE(is_valid_key("dGhlIHNhbXBsZSBub25jZSE="));  // 17 bytes
  EXPECT_FALSE(is_valid_key("dGhlIHNhbXBsZSBub25jZSEh"));  // 18 bytes
  EXPECT_FALSE(is_valid_key("dGhlIHNhbXBsZSBub25jZR=="));  // an unused bit is set
  EXPECT_FALSE(is_valid_key("dGhlIHNhbXBsZS Bub25jZQ="));
}

// --- The request ----------------------------------------------------------------------------------------------------

TEST(HandshakeRequest, Section1_2_TheExampleIsAccepted) { EXPECT_EQ(request_error(good_request()), std::nullopt); }

TEST(HandshakeRequest, NamesAndTokensAreComparedWithoutCase) {
  EXPECT_EQ(request_error({{"HOST", "h"},
                           {"upgrade", "WebSocket"},
                           {"connection", "keep-alive, UPGRADE"},
                           {"sec-websocket-key", kKey},
                           {"SEC-WEBSOCKET-VERSION", "13"}}),
            std::nullopt);
}

TEST(HandshakeRequest, Section4_2_1_ListsMayHaveOtherElementsAndSeveralFields) {
  auto list = replaced(good_request(), "Connection", "keep-alive");
  EXPECT_EQ(request_error(with(list, "Connection", ",, Upgrade")), std::nullopt);
  EXPECT_EQ(request_error(replaced(good_request(), "Upgrade", "h2c, websocket")), std::nullopt);
}

TEST(HandshakeRequest, Section4_1_MethodMustBeGet) {
  EXPECT_EQ(request_error(good_request(), "POST"), HandshakeError::method_not_get);
  EXPECT_EQ(request_error(good_request(), "get"), HandshakeError::method_not_get);
}

TEST(HandshakeRequest, Section4_1_HttpMustBe1_1) {
  EXPECT_EQ(request_error(good_request(), "GET", 0), HandshakeError::http_version_too_old);
  EXPECT_EQ(status_of(HandshakeError::http_version_too_old), 426) << "RFC 9110 §7.8: as without Upgrade";
}

TEST(HandshakeRequest, Section4_2_1_HostIsNeeded) {
  EXPECT_EQ(request_error(without(good_request(), "Host")), HandshakeError::missing_host);
  EXPECT_EQ(request_error(with(good_request(), "Host", "other")), HandshakeError::missing_host);
}

TEST(HandshakeRequest, Section4_2_1_UpgradeMustNameWebsocket) {
  EXPECT_EQ(request_error(without(good_request(), "Upgrade")), HandshakeError::missing_upgrade);
  EXPECT_EQ(request_error(replaced(good_request(), "Upgrade", "websockets")), HandshakeError::missing_upgrade);
}

TEST(HandshakeRequest, Section4_2_1_ConnectionMustNameUpgrade) {
  EXPECT_EQ(request_error(without(good_request(), "Connection")), HandshakeError::missing_connection);
  EXPECT_EQ(request_error(replaced(good_request(), "Connection", "close")), HandshakeError::missing_connection);
}

TEST(HandshakeRequest, Section4_2_1_VersionMustBe13) {
  EXPECT_EQ(request_error(without(good_request(), "Sec-WebSocket-Version")), HandshakeError::missing_version);
  EXPECT_EQ(request_error(with(good_request(), "Sec-WebSocket-Version", "13")), HandshakeError::missing_version);
  for (const char* version : {"8", "0", "14", "013", "13, 8", ""}) {
    EXPECT_EQ(request_error(replaced(good_request(), "Sec-WebSocket-Version", version)),
              HandshakeError::unsupported_version);
  }
  EXPECT_EQ(status_of(HandshakeError::unsupported_version), 426) << "§4.4";
}

TEST(HandshakeRequest, Section11_3_1_OneKey) {
  EXPECT_EQ(request_error(without(good_request(), "Sec-WebSocket-Key")), HandshakeError::missing_key);
  EXPECT_EQ(request_error(with(good_request(), "Sec-WebSocket-Key", kKey)), HandshakeError::repeated_key);
  EXPECT_EQ(request_error(replaced(good_request(), "Sec-WebSocket-Key", "short")), HandshakeError::invalid_key);
}

// --- Subprotocols ---------------------------------------------------------------------------------------------------

std::optional<HandshakeError> subprotocols_error(std::vector<std::string_view> values, std::size_t count_max = 16) {
  const auto result = parse_subprotocols(values, count_max);
  return result ? std::nullopt : std::optional{result.error()};
}

TEST(Subprotocols, Section11_3_4_ListsInOrderOverSeveralFields) {
  const std::vector<std::string_view> values{"chat, superchat", "v2.chat ,\tlast"};
  EXPECT_THAT(*parse_subprotocols(values, 16), ElementsAre("chat", "superchat", "v2.chat", "last"));
  EXPECT_THAT(*parse_subprotocols({}, 16), IsEmpty());
}

TEST(Subprotocols, Section4_1_ElementsMustBeTokens) {
  EXPECT_EQ(subprotocols_error({"chat, super chat"}), HandshakeError::invalid_subprotocol);
  EXPECT_EQ(subprotocols_error({"chat/1"}), HandshakeError::invalid_subprotocol);
  EXPECT_EQ(subprotocols_error({"\"chat\""}), HandshakeError::invalid_subprotocol);
}

TEST(Subprotocols, Section4_1_ElementsMustBeUnique) {
  EXPECT_EQ(subprotocols_error({"a, b, a"}), HandshakeError::repeated_subprotocol);
  EXPECT_EQ(subprotocols_error({"a", "a"}), HandshakeError::repeated_subprotocol);
  EXPECT_EQ(subprotocols_error({"a, A"}), std::nullopt);
}

TEST(Subprotocols, AtMostTheLimit) {
  EXPECT_EQ(subprotocols_error({"a, b", "c"}, 3), std::nullopt);
  EXPECT_EQ(subprotocols_error({"a, b", "c, d"}, 3), HandshakeError::too_many_subprotocols);
}

TEST(Subprotocols, Section4_1_TheServerChoosesOneThatWasOffered) {
  const std::vector<std::string> offered{"chat", "superchat"};
  const auto check = [&offered](std::vector<std::string_view> values) { return check_subprotocol(values, offered); };
  EXPECT_EQ(check({}).value(), "");
  EXPECT_EQ(check({"superchat"}).value(), "superchat");
  EXPECT_EQ(check({"other"}).error(), HandshakeError::unexpected_subprotocol);
  EXPECT_EQ(check({"Chat"}).error(), HandshakeError::unexpected_subprotocol);
  EXPECT_EQ(check({""}).error(), HandshakeError::unexpected_subprotocol);
  EXPECT_EQ(check({"chat, superchat"}).error(), HandshakeError::unexpected_subprotocol);
  EXPECT_EQ(check({"chat", "superchat"}).error(), HandshakeError::unexpected_subprotocol);
}

// --- The response ---------------------------------------------------------------------------------------------------

TEST(HandshakeResponse, Section1_2_TheExampleIsAccepted) { EXPECT_EQ(response_error(good_response()), std::nullopt); }

TEST(HandshakeResponse, Section4_1_StatusMustBe101) {
  for (const int status : {100, 200, 301, 400, 401, 426}) {
    EXPECT_EQ(response_error(good_response(), status), HandshakeError::not_switching_protocols);
  }
}

TEST(HandshakeResponse, Section4_1_UpgradeMustBeWebsocket) {
  EXPECT_EQ(response_error(without(good_response(), "Upgrade")), HandshakeError::response_upgrade);
  EXPECT_EQ(response_error(replaced(good_response(), "Upgrade", "h2c")), HandshakeError::response_upgrade);
  EXPECT_EQ(response_error(replaced(good_response(), "Upgrade", "websocket, h2c")), HandshakeError::response_upgrade);
  EXPECT_EQ(response_error(replaced(good_response(), "Upgrade", "WebSocket")), std::nullopt);
}

TEST(HandshakeResponse, Section4_1_ConnectionMustNameUpgrade) {
  EXPECT_EQ(response_error(without(good_response(), "Connection")), HandshakeError::response_connection);
  EXPECT_EQ(response_error(replaced(good_response(), "Connection", "close")), HandshakeError::response_connection);
}

TEST(HandshakeResponse, Section4_1_AcceptMustMatchTheKey) {
  EXPECT_EQ(response_error(without(good_response(), "Sec-WebSocket-Accept")), HandshakeError::missing_accept);
  EXPECT_EQ(response_error(with(good_response(), "Sec-WebSocket-Accept", kAccept)), HandshakeError::missing_accept);
  for (const char* wrong : {"", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo", "S3pPLMBiTxaQ9kYGzzhZRbK+xOo="}) {
    EXPECT_EQ(response_error(replaced(good_response(), "Sec-WebSocket-Accept", wrong)), HandshakeError::wrong_accept);
  }
}

TEST(HandshakeErrors, EachHasASentenceAndAStatus) {
  for (int value = 0; value <= static_cast<int>(HandshakeError::invalid_deflate_response); ++value) {
    const auto error = static_cast<HandshakeError>(value);
    EXPECT_STRNE(describe(error), "no error") << value;
    EXPECT_GE(status_of(error), 400) << describe(error);
  }
}

}  // namespace
}  // namespace plait::ws
