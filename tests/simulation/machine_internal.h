// A machine's fields, and what its files call of each other.
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
    struct arena *arena;   // of opening
    struct arena *scripts; // and their results, for the machine's whole life

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

// machine.c: one event, the effects whose gate is open, the jobs that can begin.
void machine_step(struct machine *machine, struct node_event *event);

// machine_jobs.c
void machine_begin_jobs(struct machine *machine);

// machine_script.c: the twin of the evaluator. The answer comes later, or dies with the machine.
void machine_run_script(struct machine *machine, const struct node_effect *effect);
