// The tasks one step of the decider adds, in the order in which they get their numbers.
#pragma once

#include "scheduler/task.h"

// The iteration in which tasks are mapped: what their reference names end in (engine.md §10.10).
struct schedule_scope {
    bytes suffix; // empty outside of loops
    uint32_t iteration;
};

struct schedule {
    struct workflow *workflow;
    struct task **items;
    uint32_t count;
    uint32_t capacity;
    uint32_t *slots; // items by the hash of their references, 1 more than the index; 2 * capacity
    struct schedule_scope scope;
};

// Maps a task of the definition and what comes with it, unless it has an instance or is in the
// schedule already; a task that was skipped is stepped over (engine.md §2.3, §2.7). Errors:
// ERR_CORRUPT. What cannot be mapped asks for the workflow's end.
MUST_USE err schedule_map(struct schedule *schedule, const struct definition_task *definition);

// The scope of the tasks that follow `task`, or settle with it.
struct schedule_scope schedule_scope_of(const struct task *task);

// The reference name of a task of the definition in the present scope; in the arena.
bytes schedule_reference(const struct schedule *schedule, const struct definition_task *definition);

// The task of that reference in the schedule, or NULL.
struct task *schedule_find(const struct schedule *schedule, bytes reference);

// A new attempt, not appended, named by the present scope.
struct task *schedule_new(
    const struct schedule *schedule,
    const struct definition_task *definition,
    enum api_task_status status
);

// Appends a task as it is.
void schedule_add(struct schedule *schedule, struct task *task);

// A new task of the kind's first status with its evaluated input, appended.
MUST_USE err schedule_task(
    struct schedule *schedule, const struct definition_task *definition, struct task **out_task
);

// As above with the members of `added`, an object, laid over the input.
MUST_USE err schedule_task_with(
    struct schedule *schedule,
    const struct definition_task *definition,
    bytes added,
    struct task **out_task
);

// Gives `input` to a task; over the limit the task fails for good.
void schedule_input(struct task *task, bytes input);
