#include "h3/settings.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "core/varint.hpp"

namespace plait::h3 {
namespace {

void encode_setting(std::uint64_t id, std::uint64_t value, core::ByteSink& out) {
  const MutableByteView space = out.reserve(2 * core::kVarintBytesMax);
  const std::size_t id_bytes = core::encode_varint(id, space.data());
  out.commit(id_bytes + core::encode_varint(value, space.data() + id_bytes));
}

// RFC 9114 §7.2.4.1: what HTTP/2 used for what HTTP/3 does not have.
bool is_of_http2(std::uint64_t id) { return id == 0 || (id >= 2 && id <= 5); }

struct Flag {
  std::uint64_t id;
  bool Settings::*value;
  bool is_checked;  // another value than 0 and 1 is an error
};
constexpr std::array kFlags{Flag{setting::kExtendedConnect, &Settings::extended_connect, true},
                            Flag{setting::kDatagram, &Settings::datagrams, true},
                            Flag{setting::kDatagramDraft04, &Settings::datagrams_draft04, false}};

struct Number {
  std::uint64_t id;
  std::uint64_t WebTransportSettings::*value;
};
constexpr std::array kNumbers{
    Number{setting::kWebTransportDraft02, &WebTransportSettings::draft02},
    Number{setting::kWebTransportSessionsMaxDraft07, &WebTransportSettings::sessions_max_draft07},
    Number{setting::kWebTransportSessionsMaxDraft13, &WebTransportSettings::sessions_max_draft13},
    Number{setting::kWebTransportDraft15, &WebTransportSettings::draft15},
    Number{setting::kWebTransportInitialData, &WebTransportSettings::initial_data},
    Number{setting::kWebTransportInitialStreamsUni, &WebTransportSettings::initial_streams_uni},
    Number{setting::kWebTransportInitialStreamsBidi, &WebTransportSettings::initial_streams_bidi}};

// Left out are unknown ones, GREASE, and QPACK's: our encoder uses no dynamic table whatever the peer offers.
Result<void, Error> store(std::uint64_t id, std::uint64_t value, Settings& settings) {
  if (id == setting::kFieldSectionBytesMax) settings.field_section_bytes_max = value;
  for (const Flag& flag : kFlags) {
    if (flag.id != id) continue;
    if (flag.is_checked && value > 1) return err(Error::setting_value_invalid);
    settings.*flag.value = value != 0;
  }
  for (const Number& number : kNumbers) {
    if (number.id == id) settings.webtransport.*number.value = value;
  }
  return {};
}

}  // namespace

Settings http3_settings() {
  Settings settings;
  settings.field_section_bytes_max = kFieldSectionBytesMax;
  return settings;
}

Settings webtransport_settings(const WebTransportSettings& initial) {
  Settings settings = http3_settings();
  settings.extended_connect = true;
  settings.datagrams = true;
  settings.datagrams_draft04 = true;
  settings.webtransport = initial;
  settings.webtransport.draft02 = 1;
  settings.webtransport.sessions_max_draft07 = initial.sessions_max_draft13;
  settings.webtransport.draft15 = 1;
  return settings;
}

void encode_settings(const Settings& settings, core::ByteSink& out) {
  encode_setting(setting::kQpackTableBytesMax, 0, out);
  encode_setting(setting::kQpackBlockedStreams, 0, out);
  if (const auto bytes_max = settings.field_section_bytes_max) {
    encode_setting(setting::kFieldSectionBytesMax, *bytes_max, out);
  }
  for (const Flag& flag : kFlags) {
    if (settings.*flag.value) encode_setting(flag.id, 1, out);
  }
  for (const Number& number : kNumbers) {
    if (const std::uint64_t value = settings.webtransport.*number.value; value != 0)
      encode_setting(number.id, value, out);
  }
}

Result<Settings, Error> decode_settings(ByteView payload) {
  Settings settings;
  std::vector<std::uint64_t> seen;
  while (!payload.empty()) {
    const core::Varint id = core::decode_varint(payload);
    if (id.size == 0) return err(Error::frame_malformed);
    const core::Varint value = core::decode_varint(payload.subspan(id.size));
    if (value.size == 0) return err(Error::frame_malformed);
    payload = payload.subspan(id.size + value.size);
    if (is_of_http2(id.value)) return err(Error::setting_of_http2);
    seen.push_back(id.value);
    if (const auto stored = store(id.value, value.value, settings); !stored) return err(stored.error());
  }
  std::sort(seen.begin(), seen.end());
  if (std::adjacent_find(seen.begin(), seen.end()) != seen.end()) return err(Error::setting_repeated);
  return settings;
}

}  // namespace plait::h3
