// The servers that HTTP tasks call: they answer, fail, hang, answer when nobody waits any more, are
// asked again. As bad as the world's workers are: the same rates, healed with them.
#pragma once

#include "node/core/effect.h"
#include "proto/limits.h"
#include "tests/simulation/swarm.h"
#include "tests/simulation/world.h"

// The times a flow's call is made with, and how long its claim then holds.
enum {
    OUTSIDE_CONNECT_MS = 100,
    OUTSIDE_READ_MS = 200,
    OUTSIDE_LEASE_MS = OUTSIDE_CONNECT_MS + OUTSIDE_READ_MS * LIMIT_CALL_READS + LIMIT_CALL_GRACE_MS
};

struct outside;

// The call's answer reaches the node that made it, if that still lives: `incarnation` is what the
// call came with. False: it was not heard.
typedef bool (*outside_told
)(void *argument, uint64_t incarnation, uint64_t call_id, const struct call_result *result);

// Who calls, and how it is reached.
struct outside_caller {
    uint16_t number;
    uint64_t incarnation;
    void *argument;
    outside_told told;
    bool (*lives)(void *argument, uint64_t incarnation);
};

struct outside *outside_create(struct world *world, const struct swarm *swarm);
void outside_destroy(struct outside **outside);

// A request left: an effect of kind CALL. Judges it: a key comes with one request only, and each
// comes with a key; it comes again only when who made it before died or its lease is over, and not
// at all when that one was told the answer in time.
void outside_call(
    struct outside *outside, const struct outside_caller *caller, const struct node_effect *effect
);

// Something keeps nodes from each other or from their disks for `ms`, and they need a moment after.
void outside_trouble(struct outside *outside, int64_t ms);

// There is no harm any more.
void outside_calm(struct outside *outside);
