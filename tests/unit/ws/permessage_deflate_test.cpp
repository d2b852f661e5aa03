// The negotiation of RFC 7692 §5 and §7.1, on both sides.
#include "ws/permessage_deflate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ws/extensions.hpp"

namespace plait::ws {
namespace {

using testing::IsEmpty;

std::string response_to(std::vector<std::string_view> offers, const DeflateParameters& wanted = {}) {
  const auto agreement = negotiate_deflate(offers, wanted);
  if (!agreement) return describe(agreement.error());
  return *agreement ? (*agreement)->response : "declined";
}

DeflateParameters agreed_on(std::string_view offer, const DeflateParameters& wanted = {}) {
  return negotiate_deflate(std::vector{offer}, wanted).value().value().parameters;
}

// --- The grammar ----------------------------------------------------------------------------------------------------

TEST(Extensions, Rfc6455Section9_1_Grammar) {
  std::vector<Extension> extensions;
  ASSERT_TRUE(parse_extensions(" foo ,bar; baz=2;\tq , x; y = \"to\\ken\" ", extensions));
  ASSERT_EQ(extensions.size(), 3U);
  EXPECT_EQ(extensions[0].name, "foo");
  EXPECT_THAT(extensions[0].parameters, IsEmpty());
  EXPECT_EQ(extensions[1].parameters, (std::vector<ExtensionParameter>{{"baz", "2"}, {"q", std::nullopt}}));
  EXPECT_EQ(extensions[2].parameters, (std::vector<ExtensionParameter>{{"y", "token"}}));
}

TEST(Extensions, Rfc6455Section9_1_WhatBreaksTheGrammar) {
  for (const char* value :
       {"foo;", "foo; =1", "foo; a=", "foo; a=\"\"", "foo; a=\"b", "foo; a=\"b\\", "foo; a=\"b c\"", "foo bar",
        "foo; a b", "foo; a=b c", ";foo", "=", "foo, bar;", "f\xC3\xB6o", "foo; a=\"b\"c"}) {
    std::vector<Extension> extensions;
    EXPECT_FALSE(parse_extensions(value, extensions)) << value;
  }
}

TEST(Extensions, EmptyElementsAreSkipped) {
  std::vector<Extension> extensions;
  EXPECT_TRUE(parse_extensions(" , ,foo,, bar,", extensions));
  EXPECT_EQ(extensions.size(), 2U);
}

// --- The server -----------------------------------------------------------------------------------------------------

TEST(NegotiateDeflate, NothingOfferedNothingAgreed) {
  EXPECT_EQ(response_to({}), "declined");
  EXPECT_EQ(response_to({"x-webkit-deflate-frame"}), "declined");
}

TEST(NegotiateDeflate, Section7_1_APlainOfferIsAccepted) {
  EXPECT_EQ(response_to({"permessage-deflate"}), "permessage-deflate");
  EXPECT_EQ(agreed_on("permessage-deflate"), DeflateParameters{});
}

TEST(NegotiateDeflate, BrowsersOfferIsAcceptedWithoutALimit) {
  EXPECT_EQ(response_to({"permessage-deflate; client_max_window_bits"}), "permessage-deflate");
}

TEST(NegotiateDeflate, Section7_1_1_1_ServerNoContextTakeover) {
  EXPECT_EQ(response_to({"permessage-deflate; server_no_context_takeover"}),
            "permessage-deflate; server_no_context_takeover");
  EXPECT_FALSE(agreed_on("permessage-deflate; server_no_context_takeover").server_context_takeover);
  EXPECT_EQ(response_to({"permessage-deflate"}, {.server_context_takeover = false}),
            "permessage-deflate; server_no_context_takeover");
}

TEST(NegotiateDeflate, Section7_1_1_2_ClientNoContextTakeover) {
  EXPECT_EQ(response_to({"permessage-deflate; client_no_context_takeover"}),
            "permessage-deflate; client_no_context_takeover");
  EXPECT_EQ(response_to({"permessage-deflate"}, {.client_context_takeover = false}),
            "permessage-deflate; client_no_context_takeover");
}

TEST(NegotiateDeflate, Section7_1_2_1_ServerMaxWindowBits) {
  for (int bits = 9; bits <= 15; ++bits) {
    const std::string offer = "permessage-deflate; server_max_window_bits=" + std::to_string(bits);
    EXPECT_EQ(response_to({offer}), offer) << "an accepted limit is repeated";
    EXPECT_EQ(agreed_on(offer).server_window_bits, bits);
    EXPECT_EQ(agreed_on(offer, {.server_window_bits = 11}).server_window_bits, std::min(bits, 11));
  }
  EXPECT_EQ(response_to({"permessage-deflate"}, {.server_window_bits = 12}),
            "permessage-deflate; server_max_window_bits=12");
}

TEST(NegotiateDeflate, Section7_1_2_1_AWindowOf8BitsIsDeclinedBecauseZlibHasNone) {
  EXPECT_EQ(response_to({"permessage-deflate; server_max_window_bits=8"}), "declined");
  EXPECT_EQ(response_to({"permessage-deflate; server_max_window_bits=8, permessage-deflate"}), "permessage-deflate");
}

TEST(NegotiateDeflate, Section7_1_2_2_ClientMaxWindowBits) {
  EXPECT_EQ(response_to({"permessage-deflate; client_max_window_bits"}, {.client_window_bits = 10}),
            "permessage-deflate; client_max_window_bits=10");
  EXPECT_EQ(response_to({"permessage-deflate; client_max_window_bits=9"}, {.client_window_bits = 10}),
            "permessage-deflate; client_max_window_bits=9");
  EXPECT_EQ(response_to({"permessage-deflate; client_max_window_bits=12"}, {.client_window_bits = 10}),
            "permessage-deflate; client_max_window_bits=10");
}

TEST(NegotiateDeflate, Section7_1_2_2_MustNotLimitAClientThatDidNotOfferIt) {
  EXPECT_EQ(response_to({"permessage-deflate"}, {.client_window_bits = 10}), "permessage-deflate");
  EXPECT_EQ(agreed_on("permessage-deflate", {.client_window_bits = 10}).client_window_bits, 15);
}

TEST(NegotiateDeflate, Section7_1_DeclinesUnknownRepeatedAndMalformedParameters) {
  for (const char* parameters :
       {"unknown", "server_no_context_takeover=1", "client_no_context_takeover=true", "server_max_window_bits",
        "server_max_window_bits=7", "server_max_window_bits=16", "server_max_window_bits=010",
        "server_max_window_bits=x", "client_max_window_bits=7", "client_max_window_bits=16",
        "client_max_window_bits=09", "server_no_context_takeover; server_no_context_takeover",
        "client_no_context_takeover; client_no_context_takeover",
        "server_max_window_bits=10; server_max_window_bits=10", "client_max_window_bits; client_max_window_bits=10"}) {
    const std::string offer = std::string{"permessage-deflate; "} + parameters;
    EXPECT_EQ(response_to({offer}), "declined") << parameters;
    EXPECT_EQ(response_to({offer + ", permessage-deflate"}), "permessage-deflate") << "the next offer is looked at";
  }
}

TEST(NegotiateDeflate, Section5_1_TheFirstOfferThatFitsIsTaken) {
  EXPECT_EQ(response_to({"foo, permessage-deflate; server_max_window_bits=10", "permessage-deflate"}),
            "permessage-deflate; server_max_window_bits=10");
}

TEST(NegotiateDeflate, QuotedValuesAreValues) {
  EXPECT_EQ(response_to({"permessage-deflate; server_max_window_bits=\"1\\0\""}),
            "permessage-deflate; server_max_window_bits=10");
}

// --- The client -----------------------------------------------------------------------------------------------------

std::string judged(std::vector<std::string_view> response, const DeflateParameters& offered = {}) {
  const auto agreed = check_deflate_response(response, &offered);
  if (!agreed) return agreed.error() == HandshakeError::invalid_deflate_response ? "invalid" : describe(agreed.error());
  return *agreed ? "agreed" : "none";
}

TEST(DeflateOffer, NamesWhatDiffersFromTheDefault) {
  EXPECT_EQ(encode_deflate_offer({}), "permessage-deflate; client_max_window_bits");
  EXPECT_EQ(encode_deflate_offer({.server_context_takeover = false,
                                  .client_context_takeover = false,
                                  .server_window_bits = 10,
                                  .client_window_bits = 11}),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; "
            "client_max_window_bits=11");
}

TEST(DeflateResponse, WhatOurServerAnswersToOurClientIsAccepted) {
  for (const bool server_takeover : {true, false}) {
    for (const bool client_takeover : {true, false}) {
      for (int bits = 9; bits <= 15; ++bits) {
        const DeflateParameters wanted{server_takeover, client_takeover, bits, 24 - bits};
        const std::string response = response_to({encode_deflate_offer(wanted)});
        const auto agreed = check_deflate_response(std::vector<std::string_view>{response}, &wanted);
        ASSERT_TRUE(agreed && *agreed) << response;
        EXPECT_EQ(**agreed, wanted);
        EXPECT_EQ(agreed_on(encode_deflate_offer(wanted)), wanted);
      }
    }
  }
}

TEST(DeflateResponse, NoneIsNone) {
  EXPECT_EQ(judged({}), "none");
  EXPECT_FALSE(check_deflate_response({}, nullptr).value().has_value());
}

TEST(DeflateResponse, Section4_1_AnExtensionThatWasNotOffered) {
  const std::vector<std::string_view> response{"permessage-deflate"};
  EXPECT_EQ(check_deflate_response(response, nullptr).error(), HandshakeError::unexpected_extension);
  EXPECT_EQ(judged({"foo"}), describe(HandshakeError::unexpected_extension));
  EXPECT_EQ(judged({"permessage-deflate, permessage-deflate"}), describe(HandshakeError::unexpected_extension));
  EXPECT_EQ(judged({"permessage-deflate", "foo"}), describe(HandshakeError::unexpected_extension));
}

TEST(DeflateResponse, Section9_1_Malformed) {
  EXPECT_EQ(judged({"permessage-deflate;"}), describe(HandshakeError::invalid_extensions));
}

TEST(DeflateResponse, Section7_1_UnknownRepeatedOrMalformedParameters) {
  for (const char* response :
       {"permessage-deflate; foo", "permessage-deflate; server_max_window_bits",
        "permessage-deflate; client_max_window_bits", "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; client_max_window_bits=7", "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; client_no_context_takeover; client_no_context_takeover"}) {
    EXPECT_EQ(judged({response}), "invalid") << response;
  }
}

TEST(DeflateResponse, Section7_1_1_1_AnAskedForContextTakeoverRuleMustBeConfirmed) {
  EXPECT_EQ(judged({"permessage-deflate"}, {.server_context_takeover = false}), "invalid");
  EXPECT_EQ(judged({"permessage-deflate; server_no_context_takeover"}, {.server_context_takeover = false}), "agreed");
  EXPECT_EQ(judged({"permessage-deflate; server_no_context_takeover"}), "agreed") << "also unasked";
}

TEST(DeflateResponse, Section7_1_2_1_TheServersWindowMustNotExceedTheOffer) {
  const DeflateParameters offered{.server_window_bits = 10};
  EXPECT_EQ(judged({"permessage-deflate"}, offered), "invalid");
  EXPECT_EQ(judged({"permessage-deflate; server_max_window_bits=11"}, offered), "invalid");
  EXPECT_EQ(judged({"permessage-deflate; server_max_window_bits=10"}, offered), "agreed");
  EXPECT_EQ(judged({"permessage-deflate; server_max_window_bits=8"}, offered), "agreed");
}

TEST(DeflateResponse, Section7_1_2_2_TheClientsWindowMustNotExceedTheOffer) {
  const DeflateParameters offered{.client_window_bits = 10};
  EXPECT_EQ(judged({"permessage-deflate; client_max_window_bits=11"}, offered), "invalid");
  EXPECT_EQ(judged({"permessage-deflate; client_max_window_bits=10"}, offered), "agreed");
}

// --- What follows from the agreement --------------------------------------------------------------------------------

TEST(DeflateOptions, EachRoleCompressesWithItsOwnWindowAndInflatesWithTheOthers) {
  const DeflateParameters agreed{.server_context_takeover = false,
                                 .client_context_takeover = true,
                                 .server_window_bits = 10,
                                 .client_window_bits = 12};
  EXPECT_EQ(deflater_options(agreed, Role::server)->window_bits, 10);
  EXPECT_FALSE(deflater_options(agreed, Role::server)->context_takeover);
  EXPECT_EQ(deflater_options(agreed, Role::client)->window_bits, 12);
  EXPECT_TRUE(deflater_options(agreed, Role::client)->context_takeover);
  EXPECT_EQ(inflater_options(agreed, Role::server, 50).window_bits, 12);
  EXPECT_TRUE(inflater_options(agreed, Role::server, 50).context_takeover);
  EXPECT_EQ(inflater_options(agreed, Role::client, 50).window_bits, 10);
  EXPECT_EQ(inflater_options(agreed, Role::client, 50).ratio_max, 50U);
}

TEST(DeflateOptions, AClientLimitedTo8BitsSendsUncompressed) {
  const std::vector<std::string_view> response{"permessage-deflate; client_max_window_bits=8"};
  const DeflateParameters offered;
  const auto agreed = check_deflate_response(response, &offered);
  ASSERT_TRUE(agreed && *agreed);
  EXPECT_FALSE(deflater_options(**agreed, Role::client).has_value());
  EXPECT_TRUE(deflater_options(**agreed, Role::server).has_value());
}

}  // namespace
}  // namespace plait::ws
