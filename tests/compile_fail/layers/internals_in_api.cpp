// error: ws/decoder\.hpp: No such file|'ws/decoder\.hpp' file not found
// Compiled with exactly what a user's program may include: the API, and nothing behind it.
#ifdef MISUSE
#include "ws/decoder.hpp"
#else
#include <plait/session.hpp>
#endif
