// Requests that wait for an execution: answered when it ended, when something in it blocks, or when
// their time is over (rest-api.md §4). Parked in memory, looked at when an entry was made of an
// execution they watch, or when another node says that one it leads changed; nothing is polled.
// Thread: core.
#pragma once

#include "node/core/look.h"
#include "scheduler/commands/commands.h"

struct node;

struct wait_wish {
    uint64_t request_id;
    bytes workflow;          // the target
    const bytes *references; // waitUntilTaskRef
    size_t reference_count;
    bytes strategy;     // returnStrategy, a known one
    bytes request_name; // requestId
    int64_t timeout_ms;
};

// What a look at an execution and the open ones below it found.
struct wait_found {
    bool terminal;
    bytes status;   // of the target
    bytes task;     // size 0: none
    bytes workflow; // of the task
    id128 *watched; // everything that was looked at, here and elsewhere
    size_t watched_count;
};

// Looks now at the wish's execution. In the step's arena. Errors: ERR_NOT_FOUND, ERR_UNAVAILABLE,
// ERR_SUSPENDED (look.h).
MUST_USE err wait_look(
    struct node *node,
    const struct look_asker *asker,
    const struct wait_wish *wish,
    enum wait_for wanted,
    struct wait_found *out_found
);

// Whether a text is one of the four strategies.
bool wait_knows_strategy(bytes strategy);

// Answers at once or parks the request. Too many: 503.
void wait_begin(struct node *node, const struct wait_wish *wish);

// Keeps another node's question (look.h) until its answer changes, or LIMIT_LOOK_HOLD_MS.
void wait_hold(struct node *node, uint64_t run_id, bytes question, bytes workflow);

// An entry of this execution was made.
void wait_touched(struct node *node, id128 workflow);

// What a wait was told by other nodes changed.
void wait_looked(struct node *node, uint64_t request_id);

// A partition is not led here any more: what was seen here is to be asked of others.
void waits_ask_elsewhere(struct node *node);

// Looks again for those that were touched, answers those whose time is over. Bounded; sets
// more_to_do.
void wait_pump(struct node *node);

// When the next one's time is over. False: none waits.
bool wait_next_deadline(const struct node *node, mono_time *out_deadline);

// The client left. False: it does not wait here.
bool wait_gone(struct node *node, uint64_t request_id);

void wait_all_destroy(struct node *node);
