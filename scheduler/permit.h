// What a group holds of a limit whose tasks lie in groups led by several nodes (distributed.md §8).
//
// Each limit has a home, a group by the hash of its name, which knows how many permits every group
// holds and gives no more than the limit. A permit lets one task of the group be in workers' hands;
// a token lets one be handed out, and is busy until its hand-out has left the window. Both move
// only by messages between groups (message.h) – at home by a call in the same entry – so through
// any failover their sum is what the limit allows at most.
//
//   group                                        home
//     │ ASKED n, under a limit   (a task waits) ──▶ │  first come, first served, one at a time each
//     │ ◀── GIVEN n, others wait or not             │
//     │ RETURNED n ──────────────────────────────▶  │  at once while others wait; else idle for 1 s
//
// What was given for a task that waits and not used yet is fresh: it stays until others wait, and
// then some time longer, so that it is used before it is passed on. Thread: core.
#pragma once

#include "scheduler/decision.h"
#include "scheduler/limit.h"
#include "scheduler/rows.h"

struct permit_home;

enum permit_kind {
    PERMIT_CONCURRENT, // comes first: a task that waits for a token keeps its permit
    PERMIT_RATE,
    PERMIT_KINDS
};

struct purse {
    uint32_t given; // held by the group, idle or not
    uint32_t asked; // for, and not given yet
    uint32_t fresh; // given and not used yet
    uint32_t limit; // under which it asked last
    uint32_t old;   // in use, and given under another one: go home when they are idle
    bool awaited;   // home said that others wait
};

// A limit, open in one command. What happened to it is written by permits_save.
struct permits {
    struct decision *decision;
    bytes name;
    group_id group;
    group_id home_group;
    struct limit_row row;
    struct purse purses[PERMIT_KINDS];
    struct permit_home *home; // NULL: not looked at, or elsewhere
    bool changed;             // something was asked for, given or returned
    bool came_back;           // something came out of use
};

// Errors of all: ERR_CORRUPT.
MUST_USE err permits_open(struct decision *decision, bytes name, struct permits *out_permits);
MUST_USE err permits_save(struct permits *permits);

// Whether one is idle that was given under this limit; if not, asks for as many as are wanted.
MUST_USE err permits_admit(
    struct permits *permits,
    enum permit_kind kind,
    uint32_t limit,
    uint32_t wanted,
    bool *out_admits
);

// Of those given, how many are not in use.
uint32_t permits_idle(struct permits *permits, enum permit_kind kind);

// When the oldest token in use becomes idle; INT64_MAX: none is.
int64_t permits_next_token_ms(struct permits *permits);

// An idle one of the kind is being used now.
void permits_used(struct permits *permits, enum permit_kind kind);

// Home gives so many (0: it only says whether others wait), asked for under `limit`. Called by home
// in its own group, by the message elsewhere.
MUST_USE err permits_given(
    struct permits *permits, enum permit_kind kind, uint32_t count, uint32_t limit, bool awaited
);

// A message about permits from another group.
MUST_USE err
permits_message(struct decision *decision, group_id source, const struct message_row *message);

// The T row of a limit is due (its key's workflow is permit_timer_id) and gone.
MUST_USE err permits_fire(struct decision *decision, id128 timer_id);
id128 permit_timer_id(uint64_t limit_hash);

group_id permit_home_group(const struct scheduler_settings *settings, bytes name);
