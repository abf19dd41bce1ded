// The times of hand-outs of a limit, in its L row: what a rate counts (engine.md §7.7).
//
// They are kept by the millisecond while few fit a window; above LIMIT_RATE_TIMES they are kept by
// the quantum of the window, rounded up: a token may return a little late, never early.
#pragma once

#include "scheduler/limit.h"

// Drops the times that left the window by `now_ms`. Returns how many hand-outs are left in it;
// `*out_oldest_ms` is the oldest of them, INT64_MAX when there is none.
uint32_t
window_prune(struct limit_row *row, int64_t now_ms, int64_t window_ms, int64_t *out_oldest_ms);

// Adds a hand-out now, to a limit of `rate` a window. The lists grow in `arena`.
void window_note(
    struct limit_row *row, int64_t now_ms, int64_t window_ms, int64_t rate, struct arena *arena
);

// Takes the hand-out of `at_ms` back.
void window_forget(struct limit_row *row, int64_t at_ms, int64_t window_ms, int64_t rate);
