// What every actor and checker of one run shares.
#pragma once

#include "proto/base/arena.h"
#include "proto/base/buffer.h"
#include "scheduler/definition/definition.h"
#include "tests/simulation/fleet.h"
#include "tests/simulation/flow.h"
#include "tests/simulation/ledger.h"
#include "tests/simulation/swarm.h"
#include "tests/simulation/world.h"

enum {
    HAND_OUTS_KEPT = 32, // of a type; more than any rate
    TASK_TYPES_MAX = 8
};

struct hand_outs {
    int64_t ms[HAND_OUTS_KEPT]; // partition times, a ring
    uint32_t count;
};

// What a node's clock was seen to do.
struct clock_seen {
    int64_t ahead_ms; // of the true time, at most; not below 0
    uint64_t fired;   // timers, by its process
};

struct scene {
    struct world *world;
    struct swarm swarm; // rates of now: swarm_heal ends the harm
    struct fleet *fleet;
    struct flows flows;
    struct ledger *ledger;
    struct model *model;
    struct definition_cache *definitions; // the audit's own
    struct arena *scratch;                // of one action: whoever begins one resets it
    struct buffer body;                   // of the question being written
    bool calm;                            // no harm, and what it left is over: answers come in time
    bool settling;                        // no harm, no new work: everything must come to its end
    uint32_t starts;                      // answered
    uint32_t starts_unknown;
    uint64_t updates;
    uint64_t polls_answered;
    struct hand_outs hand_outs[TASK_TYPES_MAX];
    struct clock_seen clocks[NETWORK_NODES_MAX]; // of node 1 and up
    int64_t rate_ppm_max;                        // while there was harm
    int64_t values; // handed out so far: each update of a task carries its own
};
