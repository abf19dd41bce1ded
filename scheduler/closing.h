// The open tasks of a workflow that ended are canceled in slices, each an entry (distributed.md
// §5.1). Between the first and the last the end is whole for everyone who looks: a task that is yet
// to be canceled is shown as if it were (closing_show, called where tasks are read), is not handed
// out, and what is said about it comes too late. Only its place in a queue, its permit, its timer
// and the word to its child are still to go.
//
//   ending_apply ──▶ closing_begin ──▶ CONTINUE ──▶ closing_go_on ──▶ … ──▶ nothing is open
//
// Whatever brings the workflow back, or takes it away, comes after the last (closing_finish).
#pragma once

#include "scheduler/task.h"

// The workflow has just ended: cancels its open tasks, as many as a decision may. Errors of all:
// ERR_CORRUPT.
MUST_USE err closing_begin(struct workflow *workflow);

// The next slice; with the last of a removed workflow its header goes, too.
MUST_USE err closing_go_on(struct workflow *workflow);

// All that is left, whatever it costs.
MUST_USE err closing_finish(struct workflow *workflow);

// Before its turn, because its timer fired and is gone: the row that names it may not stay. The
// task is one that an end has yet to cancel (task->is_closing).
MUST_USE err closing_cancel(struct task *task);

bool closing_is_due(const struct workflow *workflow);

// The output of a task that is shown as canceled. Also ERR_TOO_LARGE.
MUST_USE err closing_output(struct task *task, bytes *out_json);

// A task as it is to be seen. Must not be written then.
void closing_show(struct task *task);
