#include "h3/settings.hpp"

#include <algorithm>
#include <vector>

#include "core/varint.hpp"

namespace plait::h3 {
namespace {

void encode_setting(std::uint64_t id, std::uint64_t value, core::ByteSink& out) {
  const MutableByteView space = out.reserve(2 * core::kVarintBytesMax);
  const std::size_t id_bytes = core::encode_varint(id, space.data());
  out.commit(id_bytes + core::encode_varint(value, space.data() + id_bytes));
}

void encode_present(std::uint64_t id, std::uint64_t value, core::ByteSink& out) {
  if (value != 0) encode_setting(id, value, out);
}

// RFC 9114 §7.2.4.1: what HTTP/2 used for what HTTP/3 does not have.
bool is_of_http2(std::uint64_t id) { return id == 0 || (id >= 2 && id <= 5); }

bool is_flag(std::uint64_t id) { return id == setting::kExtendedConnect || id == setting::kDatagram; }

void store(std::uint64_t id, std::uint64_t value, Settings& settings) {
  WebTransportSettings& webtransport = settings.webtransport;
  switch (id) {
    case setting::kFieldSectionBytesMax:
      settings.field_section_bytes_max = value;
      break;
    case setting::kExtendedConnect:
      settings.extended_connect = value != 0;
      break;
    case setting::kDatagram:
      settings.datagrams = value != 0;
      break;
    case setting::kDatagramDraft04:
      settings.datagrams_draft04 = value != 0;
      break;
    case setting::kWebTransportDraft02:
      webtransport.draft02 = value;
      break;
    case setting::kWebTransportSessionsMaxDraft07:
      webtransport.sessions_max_draft07 = value;
      break;
    case setting::kWebTransportSessionsMaxDraft13:
      webtransport.sessions_max_draft13 = value;
      break;
    case setting::kWebTransportDraft15:
      webtransport.draft15 = value;
      break;
    case setting::kWebTransportInitialData:
      webtransport.initial_data = value;
      break;
    case setting::kWebTransportInitialStreamsUni:
      webtransport.initial_streams_uni = value;
      break;
    case setting::kWebTransportInitialStreamsBidi:
      webtransport.initial_streams_bidi = value;
      break;
    default:
      break;  // unknown, GREASE, and QPACK's: our encoder uses no dynamic table whatever the peer offers
  }
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
  encode_present(setting::kExtendedConnect, settings.extended_connect ? 1 : 0, out);
  encode_present(setting::kDatagram, settings.datagrams ? 1 : 0, out);
  encode_present(setting::kDatagramDraft04, settings.datagrams_draft04 ? 1 : 0, out);
  const WebTransportSettings& webtransport = settings.webtransport;
  encode_present(setting::kWebTransportDraft02, webtransport.draft02, out);
  encode_present(setting::kWebTransportSessionsMaxDraft07, webtransport.sessions_max_draft07, out);
  encode_present(setting::kWebTransportSessionsMaxDraft13, webtransport.sessions_max_draft13, out);
  encode_present(setting::kWebTransportDraft15, webtransport.draft15, out);
  encode_present(setting::kWebTransportInitialData, webtransport.initial_data, out);
  encode_present(setting::kWebTransportInitialStreamsUni, webtransport.initial_streams_uni, out);
  encode_present(setting::kWebTransportInitialStreamsBidi, webtransport.initial_streams_bidi, out);
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
    if (is_flag(id.value) && value.value > 1) return err(Error::setting_value_invalid);
    seen.push_back(id.value);
    store(id.value, value.value, settings);
  }
  std::sort(seen.begin(), seen.end());
  if (std::adjacent_find(seen.begin(), seen.end()) != seen.end()) return err(Error::setting_repeated);
  return settings;
}

}  // namespace plait::h3
