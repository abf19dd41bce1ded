// A clock that is as fast as the world's shows the world's time exactly: worlds of one node cost
// nothing and change nothing.

#include "tests/simulation/clock.h"

static const int64_t PPM = 1000000;

// What the clock has gained over the world's by now.
static int64_t gained_ns(const struct clock *clock) {
    int64_t passed_ns = world_mono(clock->world).ns - clock->since_ns;
    return clock->gained_ns + passed_ns / PPM * clock->rate_ppm;
}

void clock_init(struct clock *clock, const struct world *world) {
    *clock = (struct clock){.world = world};
}

void clock_set_rate(struct clock *clock, int64_t rate_ppm) {
    clock->gained_ns = gained_ns(clock);
    clock->since_ns = world_mono(clock->world).ns;
    clock->rate_ppm = rate_ppm;
}

void clock_correct(struct clock *clock) {
    clock_set_rate(clock, 0);
    clock->step_ms = -clock->gained_ns / WORLD_MS;
}

mono_time clock_mono(const struct clock *clock) {
    return (mono_time){world_mono(clock->world).ns + gained_ns(clock)};
}

wall_time clock_wall(struct clock *clock) {
    int64_t ahead_ms = gained_ns(clock) / WORLD_MS + clock->step_ms;
    clock->ahead_ms_max = ahead_ms > clock->ahead_ms_max ? ahead_ms : clock->ahead_ms_max;
    return (wall_time){world_wall(clock->world).ms + ahead_ms};
}

int64_t clock_wait_ns(const struct clock *clock, mono_time at) {
    int64_t rest_ns = at.ns - clock_mono(clock).ns;
    if (rest_ns <= 0) {
        return 0;
    }
    return clock->rate_ppm == 0 ? rest_ns : rest_ns / (PPM + clock->rate_ppm) * PPM + PPM;
}
