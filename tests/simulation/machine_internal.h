// A machine's fields, for machine.c and machine_settle.c.
#pragma once

#include "storage/memory/memory.h"
#include "tests/simulation/machine.h"
#include "tests/simulation/outside.h"
#include "tests/simulation/questions.h"

struct machine {
    struct world *world;
    const struct swarm *swarm;
    struct machine_watch watch;
    struct scheduler_settings settings;
    struct memory_faults faults;
    struct disk *disk;
    struct sorted_map *map;
    struct shadow *shadow;
    struct questions *questions;
    struct outside *outside;
    struct arena *arena; // of opening

    uint64_t incarnation;
    bool up;
    bool fault_planned; // an error of the running job is ours
    struct store *store;
    struct node *node;
    struct node_effects *effects;
    struct store_batch *batch;
    struct store_checkpoint *checkpoint;
    bool batch_written; // on the disk, not given back yet
    log_lsn untold_lsn; // durable, but the core has not heard of it; 0: it knows all
    bool checkpoint_written;
    int64_t wake_ns; // of the earliest tick asked for; 0: none
    wall_time last_gone;
    struct machine_stats stats;
};
