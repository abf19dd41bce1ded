// CLOCK_REALTIME and CLOCK_MONOTONIC; neither can fail on the systems we run on.
#include "node/shell/clocks.h"

#include <time.h>

wall_time clocks_wall(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (wall_time){(int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000};
}

mono_time clocks_mono(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (mono_time){(int64_t)now.tv_sec * 1000000000 + now.tv_nsec};
}
