// Executions as clients see them: rows to the JSON of models.md §5–§6. Text lives in the decision's
// arena. Thread: core.
#pragma once

#include "scheduler/task.h"

// A Task. Errors: ERR_CORRUPT.
// Input and output of a task as people and expressions see them: some are put together when asked
// for (dynamic forks, open JOINs and loops).
MUST_USE err view_input(struct task *task, bytes *out_json);
MUST_USE err view_output(struct task *task, bytes *out_json);

MUST_USE err view_task(struct task *task, bytes *out_json);

// A Task with this input and output; data NULL: its own.
MUST_USE err view_task_with(struct task *task, bytes input, bytes output, bytes *out_json);

// A Task for the worker that gets it: secrets stand in its input.
MUST_USE err view_task_for_worker(struct task *task, bytes *out_json);

// A Workflow; `with_tasks`: its tasks in order of seq. Saves the workflow's changes first, so that
// the walk over task rows sees them. Errors: ERR_TOO_LARGE (tasks of more than `bytes_max`).
MUST_USE err
view_workflow(struct workflow *workflow, bool with_tasks, size_t bytes_max, bytes *out_json);

// A Workflow with this list of tasks.
MUST_USE err view_workflow_with(struct workflow *workflow, bytes tasks, bytes *out_json);

// A Workflow's status (W-4).
MUST_USE err view_workflow_status(
    struct workflow *workflow, bool with_output, bool with_variables, bytes *out_json
);
