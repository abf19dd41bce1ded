// Where most clocks agree: the intersection of intervals that each hold the true time if their
// clock is right (Marzullo, "Maintaining the time in a distributed system", 1983). Pure.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A clock as one node sees it: what has to be added to its own monotonic clock, at least and at
// most, in microseconds.
struct clock_interval {
    int64_t low_us;
    int64_t high_us;
};

// The part that most of the intervals share. False: fewer than `majority` share any. Of two such
// parts the earlier: late rather than early. At most LIMIT_NODES intervals.
bool clocks_agree(
    const struct clock_interval *intervals,
    size_t count,
    size_t majority,
    struct clock_interval *out_shared
);
