// Limits of a task definition (engine.md §7.7): how many of its tasks may be in workers' hands at a
// time, how many may be handed out within a window. What counts is written with the claim that
// takes a permit and the change that returns it, so it survives what the tasks survive.
//
// A node that is alone sees each change of every group at once, so it counts by group and adds up.
// Where groups are led by several nodes, a group hands out what permits it holds (permit.h).
// Thread: core.
#pragma once

#include "scheduler/task.h"

// An L row: what the tasks of one definition hold in this group. `held` are in workers' hands;
// hand-outs are counted by their time, `times_ms` behind `base_ms`, oldest first. `freed`: the
// newest change gave something back, so whoever was refused may ask again. The rest is permit.h's.
#define LIMIT_ROW_FIELDS(FIELD)    \
    FIELD(1, TEXT, name)           \
    FIELD(2, U32, held)            \
    FIELD(3, U8, freed)            \
    FIELD(4, I64, base_ms)         \
    FIELD(5, U32_LIST, times_ms)   \
    FIELD(6, U32_LIST, counts)     \
    FIELD(7, U32, permits)         \
    FIELD(8, U32, permits_asked)   \
    FIELD(9, U32, permits_fresh)   \
    FIELD(10, U32, permits_limit)  \
    FIELD(11, U8, permits_awaited) \
    FIELD(12, U32, tokens)         \
    FIELD(13, U32, tokens_asked)   \
    FIELD(14, U32, tokens_fresh)   \
    FIELD(15, U32, tokens_limit)   \
    FIELD(16, U8, tokens_awaited)  \
    FIELD(17, I64, window_ms)      \
    FIELD(18, I64, given_ms)       \
    FIELD(19, I64, used_ms)        \
    FIELD(20, I64, timer_ms)       \
    FIELD(21, U32, permits_old)    \
    FIELD(22, U32, tokens_old)
WIRE_STRUCT(limit_row, LIMIT_ROW_FIELDS);

// Whether a worker task may be handed out now. If not, `*out_until_ms` is when the window moves, 0:
// when a permit comes. A refusal may have written that the group asks for permits: commit it.
// `wanted` is how many tasks would be taken, this one among them. Errors: ERR_CORRUPT.
MUST_USE err
limit_admits(struct task *task, uint32_t wanted, bool *out_admits, int64_t *out_until_ms);

// The task was handed out; it left its worker's hands; it was never there, so the hand-out counts
// for no window. Without effect on tasks without limits. Errors: ERR_CORRUPT.
MUST_USE err limit_take(struct task *task);
MUST_USE err limit_return(struct task *task);
MUST_USE err limit_forget(struct task *task);

// Whether it counts against a concurrency limit; the name in L keys, of any limited task.
bool limit_is_concurrent(const struct task *task);
uint64_t limit_hash(const struct task *task);
