// The clocks of the system, read here and nowhere else. Thread: any.
#pragma once

#include "proto/base/time.h"

// Milliseconds since the epoch. May jump.
wall_time clocks_wall(void);

// Nanoseconds that never go back.
mono_time clocks_mono(void);
