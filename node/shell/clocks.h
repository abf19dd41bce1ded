// The clocks of the system, read here and nowhere else. Thread: any.
#pragma once

#include "proto/base/time.h"

#include <stdbool.h>

// Milliseconds since the epoch. May jump.
wall_time clocks_wall(void);

// Nanoseconds that never go back, and go on while the machine sleeps.
mono_time clocks_mono(void);

// Whether the system says that its wall clock is kept right by others (NTP).
bool clocks_are_kept(void);
