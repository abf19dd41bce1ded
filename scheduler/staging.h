// Large bodies are in the log before the entry that names them: in entries of their own of
// LIMIT_STAGE_ENTRY_BYTES, between which other commands go on (distributed.md §5.1).
//
// A decision that comes upon one and is allowed to wait wants it staged. Once that is done it runs
// again, finds the body by its bytes, and names it: the stage's row goes in the same entry. What
// nobody names goes with its timer: the decision was lost with its leader, or went another way the
// second time. So a stage needs no owner that remembers it, and one that is found by a repeated
// request is as good as its own.
//
// Blobs that were staged have numbers of their own, with the highest bit set: nothing else ever
// writes one, neither while the stage is made nor after it went. Thread: core.
#pragma once

#include "scheduler/decision.h"
#include "storage/keys.h"

struct workflow;

// The bounds that hold for a decision.
struct staging_bounds staging_bounds_of(const struct decision *decision);

// Whether the decision is to have a body of that size staged.
bool staging_is_for(const struct decision *decision, size_t size);

// A staged body of the workflow's run with exactly these bytes becomes the caller's: it is a blob
// that the entry names. False: there is none.
MUST_USE bool staging_take(struct workflow *workflow, bytes text, uint32_t *out_blob);

// Wants one. Returns the number it has until the decision is given up.
uint32_t staging_want(struct workflow *workflow, bytes text);

// What is wanted under such a number; NULL data: none of them.
bytes staging_wanted(const struct workflow *workflow, uint32_t blob);

// A body on its way.
struct staged_body {
    id128 workflow;
    uint32_t run;
    uint32_t blob; // chosen with its first piece; 0: none is written
    uint32_t written;
    int64_t due_ms;
};

// Writes the next piece of `text` as an entry of its own. Errors: ERR_NOT_FOUND (the stage is gone,
// with its timer), ERR_CORRUPT.
MUST_USE err staging_write(struct decision *decision, struct staged_body *body, bytes text);

// The timer of a stage fired and is gone: if the stage is still there, it and its rows go.
MUST_USE err staging_expire(struct decision *decision, const struct key_timer_parts *timer);

// Whether a stage waits for that timer. Errors: ERR_CORRUPT.
MUST_USE err staging_remembers(
    struct decision *decision, const struct key_timer_parts *timer, bool *out_remembers
);

// The key of its timer.
struct key staging_timer_key(const struct key_stage_parts *stage, int64_t due_ms);
