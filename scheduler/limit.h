// Limits of a task definition (engine.md §7.7): how many of its tasks may be in workers' hands at a
// time, how many may be handed out within a window. Permits are L rows, written with the claim that
// takes one and the change that returns it, so they survive what the tasks survive. Thread: core.
#pragma once

#include "scheduler/task.h"

// An L row: what the tasks of one definition hold in this group. `held` are permits; hand-outs are
// counted by their time, `times_ms` behind `base_ms`, oldest first. `freed`: the newest change gave
// something back, so whoever was refused may ask again.
#define LIMIT_ROW_FIELDS(FIELD)  \
    FIELD(1, TEXT, name)         \
    FIELD(2, U32, held)          \
    FIELD(3, U8, freed)          \
    FIELD(4, I64, base_ms)       \
    FIELD(5, U32_LIST, times_ms) \
    FIELD(6, U32_LIST, counts)
WIRE_STRUCT(limit_row, LIMIT_ROW_FIELDS);

// Whether a worker task may be handed out now. If not, `*out_until_ms` is when the window moves, 0:
// when a permit comes back. Errors: ERR_CORRUPT.
MUST_USE err limit_admits(struct task *task, bool *out_admits, int64_t *out_until_ms);

// The task was handed out; it left its worker's hands; it was never there, so the hand-out counts
// for no window. Without effect on tasks without limits. Errors: ERR_CORRUPT.
MUST_USE err limit_take(struct task *task);
MUST_USE err limit_return(struct task *task);
MUST_USE err limit_forget(struct task *task);

// Whether it counts against a concurrency limit; the name in L keys, of any limited task.
bool limit_is_concurrent(const struct task *task);
uint64_t limit_hash(const struct task *task);
