// CLOCK_REALTIME and CLOCK_BOOTTIME; neither can fail on the systems we run on. BOOTTIME, because a
// laptop or a virtual machine that slept has to notice (distributed.md §7).
#include "node/shell/clocks.h"

#include <sys/timex.h>
#include <time.h>

wall_time clocks_wall(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (wall_time){(int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000};
}

mono_time clocks_mono(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (mono_time){(int64_t)now.tv_sec * 1000000000 + now.tv_nsec};
}

bool clocks_are_kept(void) {
    struct timex asked = {.modes = 0};
    return adjtimex(&asked) != TIME_ERROR && (asked.status & STA_UNSYNC) == 0;
}
