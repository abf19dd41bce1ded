// Timers: T rows, written and deleted with the state that wants them (distributed.md §7). A task
// has at most one, at the earliest moment anything about it may be due; a workflow has one for its
// timeout and one to go on with a decision that was cut.
//
// A T row may be early, never late: when a deadline moves back (a lease was extended) the row
// stays, fires, finds nothing due and is set anew. Its generation is part of the key and of the
// state, so a row that survived its state means nothing.
#pragma once

#include "scheduler/task.h"

enum timer_kind {
    TIMER_TASK = 1,
    TIMER_WORKFLOW = 2, // engine.md §4.1
    TIMER_CONTINUE = 3, // distributed.md §5.1
    TIMER_SWEEP = 4,    // removes rows of the runs up to the one in the key's task_no
    TIMER_LIMIT = 5,    // permits of a limit are idle (permit.h); its hash is in the key's workflow
    TIMER_STAGE = 6, // a body that nobody named (staging.h): its blob is in the task_no, its run in
                     // the generation of the key
};

#define TIMER_NEVER INT64_MAX

// What can be due about a task, in the order in which it is looked at (engine.md §2.3).
#define TASK_DEADLINES(DEADLINE) \
    DEADLINE(TOTAL)              \
    DEADLINE(TASK)               \
    DEADLINE(POLL)               \
    DEADLINE(RESPONSE)           \
    DEADLINE(READY)              \
    DEADLINE(WAIT)               \
    DEADLINE(CALL)

enum task_deadline {
#define TASK_DEADLINE_ENUM(name) DEADLINE_##name,
    TASK_DEADLINES(TASK_DEADLINE_ENUM)
#undef TASK_DEADLINE_ENUM
    DEADLINE_COUNT
};

// When a deadline of a task is reached by its present state; TIMER_NEVER: it does not apply.
int64_t timer_deadline(const struct task *task, enum task_deadline deadline);

// Makes sure that a T row stands at or before the earliest deadline. Call after every change.
void timer_arm(struct task *task);
void timer_disarm(struct task *task);

void timer_arm_workflow(struct workflow *workflow);
void timer_disarm_workflow(struct workflow *workflow);

// A T row due now: the decision goes on in an entry of its own.
void timer_continue(struct workflow *workflow);
void timer_disarm_continue(struct workflow *workflow);

// A T row due now: the rows of the workflow's runs up to `run` go, a bounded number an entry. No
// header remembers it, for the header may be gone before.
void timer_sweep(struct decision *decision, id128 workflow, uint32_t run);

// The T row of a task fired and is gone: does what is due, or sets the timer anew. The decider runs
// afterwards.
MUST_USE err timer_fire_task(struct task *task);

// The workflow's timeout is due: asks for its end.
void timer_fire_workflow(struct workflow *workflow);
