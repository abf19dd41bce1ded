// The two clocks of a simulated node. The monotonic one runs at a rate of its own; the wall clock
// runs with it and can be set.
#pragma once

#include "tests/simulation/world.h"

struct clock {
    const struct world *world;
    int64_t rate_ppm; // how much faster than the world's
    int64_t since_ns; // world time at which the rate was set
    int64_t gained_ns;
    int64_t step_ms;      // of the wall clock, by whoever set it
    int64_t ahead_ms_max; // the most it was ahead of the world's when it was read; not below 0
};

// The world's own time.
void clock_init(struct clock *clock, const struct world *world);
void clock_set_rate(struct clock *clock, int64_t rate_ppm);

// Sets the wall clock to the world's; the rate, too.
void clock_correct(struct clock *clock);

mono_time clock_mono(const struct clock *clock);

// Reading it is what a node may decide by: the clock remembers how far ahead it was.
wall_time clock_wall(struct clock *clock);

// How long the world takes until the monotonic clock shows `at`; 0: it does already.
int64_t clock_wait_ns(const struct clock *clock, mono_time at);
