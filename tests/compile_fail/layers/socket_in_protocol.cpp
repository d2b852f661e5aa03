// error: net/loop\.hpp: No such file|'net/loop\.hpp' file not found
// Compiled with exactly what a source of src/ws may include: the event loop is not among it.
#ifdef MISUSE
#include "net/loop.hpp"
#else
#include "ws/decoder.hpp"
#endif
