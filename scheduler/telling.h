// A large execution as JSON, told piece by piece over many turns (distributed.md §5.1, the last
// points; §6): first its tasks are found and put in order, then they are written, a bounded number
// a step. Every step gets a decision that reads the execution as it was at one position
// (store_past_read) and has the time of the first, so that the text is the one that a single step
// would have given there. Lives on the C heap, beyond decisions. Thread: core.
#pragma once

#include "proto/base/buffer.h"
#include "scheduler/decision.h"

struct telling;

// What is told of the tasks.
struct telling_wish {
    id128 workflow;
    bool page;         // W-5: tasks alone …
    uint32_t statuses; // … that have one of these, a bit each by enum api_task_status; 0: all
    int64_t start;     // … from this one on, so many
    int64_t count;
};

// Begins one; copies the wish. Owned: telling_destroy.
struct telling *telling_create(const struct telling_wish *wish);
void telling_destroy(struct telling **telling); // accepts NULL; leaves NULL

// The rows that its steps read: keys and how they change, in `arena`.
struct store_scope *
telling_scopes(const struct telling *telling, struct arena *arena, size_t *out_count);

// Goes on: appends the next text to `out`, or nothing while tasks are still being found. At most
// LIMIT_TELLING_TASKS tasks are written and about LIMIT_TELLING_BYTES; one task is never cut.
// Errors: ERR_NOT_FOUND (at the first step only), ERR_TOO_LARGE, ERR_CORRUPT, ERR_UNAVAILABLE.
MUST_USE err telling_step(struct telling *telling, struct decision *decision, struct buffer *out);

// Whether the newest step was the last.
bool telling_is_over(const struct telling *telling);

// Whether an execution of so many tasks is better told than answered in one step.
bool telling_suits(const struct decision *decision, uint32_t task_count);
