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
// call came with.
typedef void (*outside_told
)(void *argument, uint64_t incarnation, uint64_t call_id, const struct call_result *result);

struct outside *
outside_create(struct world *world, const struct swarm *swarm, outside_told told, void *argument);
void outside_destroy(struct outside **outside);

// A request left: an effect of kind CALL. Judges it: a key comes with one request only, and each
// comes with a key.
void outside_call(struct outside *outside, uint64_t incarnation, const struct node_effect *effect);
