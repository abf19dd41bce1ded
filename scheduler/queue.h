// Where worker tasks wait for workers: Q rows in the workflow's own group, written and removed with
// the state that wants them, and an N row that counts (distributed.md §8). Thread: core.
//
//   NONE ──▶ DELAYED ──timer──▶ READY ──claim──▶ CLAIMED
//     └──────────────────────────▲ ▲────worker: not yet───┘
#pragma once

#include "scheduler/task.h"
#include "storage/keys.h"

// Puts a SCHEDULED worker task into its queue: ready at `ready_ms`, at once when that is not later
// than now. Its timer is the caller's to arm (timer_arm). Errors: ERR_CORRUPT.
MUST_USE err queue_enter(struct task *task, int64_t ready_ms);

// READY → CLAIMED: the Q row goes.
MUST_USE err queue_claim(struct task *task);

// Takes the task out of wherever it is. Without effect on one that is nowhere.
MUST_USE err queue_leave(struct task *task);

// The task that stands behind a Q row (its key, without group), NULL when none does any more: the
// row only says where to look, the task row decides. Then it goes. A task that its ended workflow
// has yet to cancel (closing.h) is not to be had either, but keeps its row until then. Errors:
// ERR_NOT_FOUND: there is no such row.
MUST_USE err queue_find(struct decision *decision, bytes queue_key, struct task **out_task);

// Tasks of its group that are ready in the queue of a task. Errors: ERR_CORRUPT.
MUST_USE err queue_ready_count(const struct task *task, uint32_t *out_count);

// The key of the Q row of a READY task.
struct key queue_key_of(const struct task *task);

// The name of a worker task's queue (engine.md §6.1), in the arena.
bytes queue_name_of(const struct task *task);

// Chooses the domain by the workflow's taskToDomain and who polled lately (engine.md §7.6).
MUST_USE err queue_choose_domain(struct task *task);
