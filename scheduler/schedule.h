// The tasks one step of the decider adds, in the order in which they get their numbers.
#pragma once

#include "scheduler/task.h"

struct schedule {
    struct workflow *workflow;
    struct task **items;
    uint32_t count;
    uint32_t capacity;
};

// Maps a task of the definition and what comes with it, unless it has an instance or is in the
// schedule already; a task that was skipped is stepped over (engine.md §2.3, §2.7). Errors:
// ERR_CORRUPT. What cannot be mapped asks for the workflow's end.
MUST_USE err schedule_map(struct schedule *schedule, const struct definition_task *definition);

// Appends a task as it is.
void schedule_add(struct schedule *schedule, struct task *task);

// A new task of the kind's first status with its evaluated input, appended.
MUST_USE err schedule_task(
    struct schedule *schedule, const struct definition_task *definition, struct task **out_task
);

// Gives `input` to a task; over the limit the task fails for good.
void schedule_input(struct task *task, bytes input);
