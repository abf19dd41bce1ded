// Two clocks that cannot be mixed up. Values only: nothing here reads a clock.
#pragma once

#include "proto/base/bytes.h"

#include <stdint.h>

// Milliseconds since 1970-01-01T00:00:00Z.
typedef struct wall_time {
    int64_t ms;
} wall_time;

// Nanoseconds of a clock that never goes back, from an unknown start.
typedef struct mono_time {
    int64_t ns;
} mono_time;

enum {
    WALL_TIME_ISO_BYTES = 24
};

// `2026-11-24T22:36:25.123Z` into `out` (WALL_TIME_ISO_BYTES characters, no terminating zero).
void wall_time_iso(wall_time time, char out[WALL_TIME_ISO_BYTES]);

// Days since 1970-01-01 of a date of the proleptic Gregorian calendar; month 1…12, day 1…31.
int64_t time_days_from_civil(int64_t year, unsigned month, unsigned day);

// The reverse of time_days_from_civil.
void time_civil_from_days(int64_t days, int64_t *out_year, unsigned *out_month, unsigned *out_day);
