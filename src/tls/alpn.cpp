#include "tls/alpn.hpp"

#include <memory>
#include <optional>

namespace plait::tls {
namespace {

constexpr std::size_t kListBytesMax = 65535;

// ProtocolNameList of RFC 7301 §3.1: each name behind one byte with its length.
std::optional<std::string> list_of(const std::vector<std::string>& protocols) {
  std::string list;
  for (const std::string& protocol : protocols) {
    if (protocol.empty() || protocol.size() > 255) return std::nullopt;
    list += static_cast<char>(protocol.size());
    list += protocol;
  }
  if (list.size() > kListBytesMax) return std::nullopt;
  return list;
}

const unsigned char* data_of(const std::string& list) { return reinterpret_cast<const unsigned char*>(list.data()); }

int select_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_size, const unsigned char* offered,
                    unsigned int offered_size, void* argument) {
  const auto& ours = *static_cast<const std::string*>(argument);
  unsigned char* found = nullptr;
  const int outcome = SSL_select_next_proto(&found, chosen_size, data_of(ours), static_cast<unsigned int>(ours.size()),
                                            offered, offered_size);
  *chosen = found;
  return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

void free_list(void*, void* list, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<std::string*>(list); }

// The list belongs to the SSL_CTX, because engines keep that alive after our Context is gone.
int list_slot() {
  static const int slot = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_list);
  return slot;
}

}  // namespace

bool select_protocols(SSL_CTX& context, const std::vector<std::string>& protocols) {
  const auto list = list_of(protocols);
  if (!list) return false;
  if (list->empty()) return true;
  auto owned = std::make_unique<std::string>(*list);
  if (SSL_CTX_set_ex_data(&context, list_slot(), owned.get()) != 1) return false;
  SSL_CTX_set_alpn_select_cb(&context, select_protocol, owned.release());
  return true;
}

bool offer_protocols(SSL_CTX& context, const std::vector<std::string>& protocols) {
  const auto list = list_of(protocols);
  if (!list) return false;
  return SSL_CTX_set_alpn_protos(&context, data_of(*list), static_cast<unsigned int>(list->size())) == 0;
}

}  // namespace plait::tls
