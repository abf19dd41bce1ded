// What a seed draws before anything happens: sizes small enough that rare paths turn common, which
// faults exist at all, and how often they strike.
#pragma once

#include "scheduler/decision.h"
#include "tests/simulation/world.h"

struct swarm {
    // the cluster
    uint16_t node_count; // that found it
    bool alone;          // one node that stays so
    bool churn;          // nodes join, leave and are lost
    int64_t dead_after_ms;
    uint32_t zone_count;            // 0: nobody says where it stands
    int64_t weight_max;             // of a node's share of copies
    uint32_t old_release_per_mille; // of the machines, at first
    uint32_t replicas;              // copies of each group
    int64_t delay_us_max;           // of a message on a slow way
    int64_t rate_ppm_max;           // of a node's clock, faster or slower than the world's

    // the store
    uint32_t group_count;
    size_t segment_bytes;
    size_t overlay_bytes_max;
    size_t checkpoint_bytes;
    int64_t checkpoint_ms;
    uint64_t attest_entries; // between two indexes at which copies compare
    size_t history_bytes;    // of applied entries kept for followers; 0: the release's

    // the disk's pace, in microseconds
    int64_t sync_us_max;
    int64_t checkpoint_us_max;

    // the workload
    uint32_t task_type_count;
    uint32_t flow_count;
    uint32_t client_count;
    uint32_t worker_count;
    uint32_t domain_count;         // 0: none
    uint32_t starts_max;           // in the whole run
    int64_t think_ms_max;          // between a client's operations
    int64_t safety_ms;             // how long harm lasts
    uint32_t control_per_mille;    // pause, resume, terminate among a client's operations
    int64_t pad_bytes_max;         // beside the value in a worker's output
    uint32_t human_per_mille;      // human and wait tasks in definitions
    uint32_t decision_tasks;       // that cut a decision; 0: as many as the server's
    uint32_t answer_tasks;         // told at a time; 0: as many as the server's
    uint32_t kinds;                // bit set of the kinds of task that exist beyond the plain ones
    uint32_t merge_per_mille;      // SWITCHes with an EXCLUSIVE_JOIN
    uint32_t nested_per_mille;     // loops, inside of loops
    uint32_t keep_per_mille;       // loops that drop old iterations
    uint32_t typed_per_mille;      // worker tasks that go to another type's workers
    struct staging_bounds staging; // of bodies; zeroes: the server's, which none comes near
    uint32_t permissive_per_mille;
    uint32_t failure_per_mille;   // definitions with a failure workflow
    bool limits;                  // some task types have limits
    uint32_t backup_per_mille;    // of the time of harm, when a backup begins; 0: none is taken
    uint32_t lifecycle_per_mille; // retry, restart, rerun, … among a client's operations

    // the faults, per mille; 0: the fault does not exist in this world
    uint32_t stop_per_second;   // a process is asked to end, and starts again
    uint32_t crash_per_second;  // at any moment
    uint32_t crash_after_reply; // right after an answer left
    uint32_t crash_in_write;    // between two writes of a log batch
    uint32_t crash_in_checkpoint;
    uint32_t stall_per_batch; // a sync of up to 10 s
    uint32_t sync_error_per_batch;
    uint32_t full_per_batch;
    uint32_t fill_per_second;      // somebody else's files fill a disk, for up to 10 s
    uint32_t rot_per_crash;        // in a copy of the log (rot.h)
    uint32_t wall_step_per_second; // of up to ± 1 h, of fewer than half of the nodes; of one alone
                                   // ± 20 s
    uint32_t sleep_per_second;     // a process stands still for up to 5 s
    uint32_t freeze_per_second;    // fewer than half of the processes, until harm is over or long
    uint32_t partition_per_second; // of up to 8 s
    uint32_t clog_per_second;      // messages wait for up to 5 s
    uint32_t cut_per_second;       // a connection breaks
    uint32_t late_commit;          // per batch: the core hears of it up to 12 s later
    uint32_t hand_out_breaks;      // the connection breaks before an answer with tasks is sent
    uint32_t late_tick;            // the loop wakes late
    int64_t down_ms_max;           // between death and restart
    uint32_t script_slow;          // a script that takes up to 2 s
    uint32_t script_late;          // … longer than it may
    uint32_t script_unavailable;   // … that is not run to its end
    uint32_t script_killed;        // its process is killed, once or twice

    // the workers, per mille of their tasks
    uint32_t worker_slow;    // answers after its response timeout
    uint32_t worker_dies;    // never answers
    uint32_t worker_repeats; // answers twice
    uint32_t worker_fails;
    uint32_t worker_in_progress; // answers IN_PROGRESS first
    uint32_t worker_extends;     // extends its lease while it works
    uint32_t stranger;           // a client puts a worker's task back, per task it sees
    uint32_t poll_leaves;        // leaves its long poll early
};

// `node_count`: 0 draws it, too. `churn`: nodes come and go in any case.
struct swarm swarm_draw(struct world *world, uint16_t node_count, bool churn);

// The same world without harm: for the time in which it must settle.
void swarm_heal(struct swarm *swarm);

// Writes the draw into the trace.
void swarm_trace(const struct swarm *swarm, struct world *world);
