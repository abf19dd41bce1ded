// A machine's fields, for machine.c and machine_*.c.
#pragma once

#include "storage/memory/memory.h"
#include "tests/simulation/machine.h"
#include "tests/simulation/questions.h"

struct machine {
    struct world *world;
    const struct swarm *swarm;
    struct machine_plan plan;
    struct machine_watch watch;
    struct scheduler_settings settings;
    struct clock clock;
    struct memory_faults faults;
    struct disk *disk;
    struct sorted_map *map;
    struct shadow *shadow;
    struct questions *questions;
    struct arena *arena;   // of opening
    struct arena *scripts; // and their results, for the machine's whole life

    uint64_t incarnation; // of planned actions: theirs is over when this rises
    uint64_t lives;       // processes so far
    bool up;
    bool gone;             // for ever
    bool leaves;           // the cluster said that it is no member: it stops after this step
    uint16_t next_release; // that the next process runs; 0: the same
    bool stopping;
    int64_t stop_by_ns;
    bool joined; // it was let in, and knew these members then
    uint16_t members[NETWORK_NODES_MAX];
    bytes addresses[NETWORK_NODES_MAX];
    uint32_t member_count;
    id128 store_id;
    bool fault_planned;     // an error of the running job is ours
    uint64_t foreign_bytes; // on its disk
    bool ballast_held;
    int64_t asleep_until_ns;
    struct store *store;
    struct node *node;
    struct node_effects *effects;
    struct store_batch *batch;
    struct store_checkpoint *checkpoint;
    bool batch_written; // on the disk, not given back yet
    log_lsn untold_lsn; // durable, but the core has not heard of it; 0: it knows all
    bool checkpoint_written;
    log_index *committed;   // by group: what the chronicle was told
    uint64_t *old_replicas; // by group: numbers below it had the disk that was lost
    int64_t wake_ns;        // of the earliest tick asked for; 0: none
    wall_time last_gone;
    mono_time last_full;
    uint64_t tasks_returned; // of this life
    uint64_t rows_compared;
    struct machine_stats stats;
};

// --- machine.c -----------------------------------------------------------------------------------

// One event through the core, and what follows from it.
void machine_step(struct machine *machine, struct node_event *event);

// Looks at what the core did to the log: tells the shadow and the chronicle. True: something.
bool machine_follow(struct machine *machine);

// Remembers that the store has no room now; before a checkpoint makes some.
void machine_note_full(struct machine *machine);

bool machine_is_alone(const struct machine *machine);

// The process begins, unless the machine is gone; ends, and takes along what lives in memory.
void machine_boot(void *argument, uint64_t incarnation);
void machine_die(struct machine *machine);

// --- machine_fate.c ------------------------------------------------------------------------------

// A disk with nothing on it.
void machine_get_disk(struct machine *machine);

// When something may be done with the process, or it is to be asked again: now, or later when it
// sleeps. `argument`: the machine.
int64_t machine_awake_at(const void *argument);

// Whether the process stands still: then the action is put off.
bool machine_sleeps(
    struct machine *machine,
    void (*action)(void *argument, uint64_t token),
    void *argument,
    uint64_t token
);

// --- machine_script.c ----------------------------------------------------------------------------

// The twin of the evaluator. The answer comes later, or dies with the machine.
void machine_run_script(struct machine *machine, const struct node_effect *effect);

// --- machine_door.c ------------------------------------------------------------------------------

// An answer leaves through the front door.
void machine_answer(struct machine *machine, const struct node_effect *effect);
void machine_part(struct machine *machine, const struct node_effect *effect);

// Whoever waits here for an answer hears that the connection is lost.
void machine_lose_askers(struct machine *machine);

// --- machine_disk.c ------------------------------------------------------------------------------

// Measures the device from now on, while this life lasts.
void machine_watch_disk(struct machine *machine);

// What the device still takes holds for the job that runs now.
void machine_bound_disk(struct machine *machine);

// --- machine_jobs.c ------------------------------------------------------------------------------

// Begins a log batch and a checkpoint, if there is something for them.
void machine_begin_jobs(struct machine *machine);

// No fault is planned any more.
void machine_no_faults(struct machine *machine);
