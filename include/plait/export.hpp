// PLAIT_API: marks what libplait.so exports. Everything else in it is hidden.
#pragma once

#define PLAIT_API __attribute__((visibility("default")))
