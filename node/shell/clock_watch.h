// What the shell has to do with time beyond reading clocks: a test may move this process's wall
// clock by a file, and what the core finds wrong with clocks is told to people. Thread: core.
#pragma once

#include "node/core/node.h"

struct shell;

struct clock_watch {
    int64_t shift_ms; // of the wall clock, by the file
    mono_time read;   // when the file was
    struct cluster_time_status told;
};

// The wall clock; in tests, that and what the file says.
wall_time clock_watch_wall(struct shell *shell);

// Whether the clock may be believed at a start: the configuration says so, or the system, whose
// time is kept by a protocol.
bool clock_watch_is_trusted(const struct shell *shell);

// Logs what changed.
void clock_watch_turn(struct shell *shell);
