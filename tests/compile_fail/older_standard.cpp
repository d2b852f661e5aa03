// error: Plait needs C\+\+20
// Said first, instead of what an older standard lacks.
#ifdef MISUSE
#undef __cplusplus
#define __cplusplus 201703L
#endif
#include <plait/session.hpp>

int main() { return plait::SessionId{}.index == 0 ? 0 : 1; }
