// What two nodes tell each other of their clocks, in front of frames they send anyway. A stamp that
// comes back says how long the way is; so an offset is known to half of that (NTP, RFC 5905 §8).
// Pure.
#pragma once

#include "proto/base/bytes.h"
#include "proto/base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    STAMP_BYTES = 33
};

struct stamp {
    uint64_t sent_us; // the sender's monotonic clock
    uint64_t echo_us; // `sent_us` of the newest stamp that it has from the receiver; 0: none
    uint64_t held_us; // how long ago that came
    int64_t wall_us;  // the sender's wall clock
    bool trusted;     // it fires timers by the time it has
    bool asks;        // it does not know the time yet: an answer with the next frame
};

void stamp_write(const struct stamp *stamp, uint8_t out[STAMP_BYTES]);

// Takes a stamp off the front. Errors: ERR_CORRUPT (too short, or what no clock shows).
MUST_USE err stamp_take(bytes *rest, struct stamp *out_stamp);
