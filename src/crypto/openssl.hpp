// What every user of OpenSSL here needs: ownership of its objects. Never included by a header that others see.
#pragma once

#include <memory>

namespace plait::crypto {

/// Owns an object of OpenSSL's: Owned<X509, X509_free>.
template <auto kFree>
struct FreeWith {
  template <class Object>
  void operator()(Object* object) const {
    kFree(object);
  }
};
template <class Object, auto kFree>
using Owned = std::unique_ptr<Object, FreeWith<kFree>>;

}  // namespace plait::crypto
