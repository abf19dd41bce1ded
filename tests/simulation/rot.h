// Rot in the log: bytes that were durable change on the medium while the power is off.
//
// Tried on a copy: the store must either refuse to open, or open with everything that it had; only
// the last batch may be taken for a torn tail, since nothing behind it says otherwise
// (distributed.md §3.1).
#pragma once

#include "storage/store.h"
#include "tests/simulation/chronicle.h"
#include "tests/simulation/shadow.h"
#include "tests/simulation/world.h"

struct rot;

// Copies disk and map as they lie, and damages one place of one log file. NULL: there is none yet.
struct rot *rot_take(struct world *world, struct disk *disk, struct sorted_map *map);

// Opens the copy and compares its log with the shadow, which has just recovered, and its rows with
// the chronicle; frees everything.
void rot_check(
    struct rot **rot,
    const struct shadow *shadow,
    const struct chronicle *chronicle,
    uint16_t node,
    const struct store_options *options
);
