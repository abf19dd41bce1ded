// Executions that go on after their end: what restart, retry, rerun and revival by a child share
// (engine.md §5.3, §5.4, §5.7, §5.10).
#pragma once

#include "scheduler/workflow.h"

struct task;

// An ended workflow, its open tasks all canceled, is RUNNING again: no reason, no end, no failed
// task; its timeout starts over.
// With `forget_failures` the lists of failed references go, too.
void lifecycle_reopen(struct workflow *workflow, bool forget_failures);

// Begins a new run of an ended workflow: no tasks; input, domains, output and variables are taken
// along, the rows of the run before are left to a sweep. Numbers go on, so nothing that belongs to
// the run before can be mistaken for one of this. `input` replaces the input; data NULL: kept.
// Errors: ERR_CORRUPT.
MUST_USE err lifecycle_new_run(struct workflow *workflow, bytes input);

// Clears what a task had got out of its last run, for another one in place.
void lifecycle_clear(struct task *task);

// Runs an ended task again in place: SCHEDULED, then begun as its kind does. Errors: ERR_CORRUPT.
MUST_USE err lifecycle_begin_again(struct task *task);

// Whether a retry would find anything (engine.md §5.4, table).
MUST_USE err lifecycle_has_retryable(struct workflow *workflow, bool *out_has);

// A step of what a command or message left to the decider of a workflow that is RUNNING again:
// WORKFLOW_WANTS_RERUN, WORKFLOW_WANTS_RETRY, WORKFLOW_WANTS_REVIVAL. Goes through its tasks,
// LIMIT_WALK_SLICE of them; with the last step the wish is gone and the JOINs and loops that are
// open again look. Nothing is followed up before. Errors: ERR_CORRUPT, those of mapping.
MUST_USE err lifecycle_go_on(struct workflow *workflow);

// The next tasks of a walk by their numbers, in order of seq among each other.
MUST_USE err
lifecycle_walk(struct workflow *workflow, struct task ***out_tasks, uint32_t *out_count);

// A task that the step was at is as it is to be: followed up, or looked at, after the last one.
void lifecycle_take_note(struct task *task);

// The workflow ended: what it still wanted is void.
void lifecycle_forget_wishes(struct workflow *workflow);

// Tells the parent, if there is one, that this child goes on. `verb`: retried, restarted, reran.
MUST_USE err lifecycle_tell_parent(struct workflow *workflow, bytes verb);

// The refusal for a workflow that is not terminal: `Workflow: <name>.<version>/<id>.<STATUS> is not
// in terminal state, unable to <verb>.`; ERR_NONE for one that is.
MUST_USE err lifecycle_check_ended(const struct workflow *workflow, const char *verb);
