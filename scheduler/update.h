// What a result does to an open task, whoever brings it (engine.md §6.2).
#pragma once

#include "scheduler/task.h"

struct update {
    enum api_task_status status; // as asked for: IN_PROGRESS or terminal
    bytes reason;                // data NULL: none
    bytes worker;                // data NULL: none
    bytes output;                // replaces the task's output
    bytes child;                 // subWorkflowId; data NULL: none
    bytes external_output;       // data NULL: none
    int64_t callback_s;
};

// Applies the update to a task that is not terminal. The decider runs afterwards.
MUST_USE err update_apply(struct task *task, const struct update *update);

// Appends a line to the task's log, dropping the oldest over the limits.
void update_add_log(struct task *task, bytes text, int64_t time_ms);
