#include "transport/counters.hpp"

namespace plait::transport {

Counter& Counters::openings_refused(int status) {
  switch (status) {
    case 401:
      return openings_refused_401;
    case 403:
      return openings_refused_403;
    case 404:
      return openings_refused_404;
    case 429:
      return openings_refused_429;
    default:
      return openings_refused_other;
  }
}

}  // namespace plait::transport
