// What the kinds of task that run scripts have in common. Thread: core.
#pragma once

#include "scheduler/task.h"

// Runs the script of a task of this definition; when it has to be waited for, those that will
// follow in the flow are asked for as well (foresight.h). Errors: ERR_SUSPENDED, ERR_LATER
// (decision.h): give the decision up.
MUST_USE err script_run(
    struct workflow *workflow,
    const struct definition_task *definition,
    const struct evaluation *evaluation,
    struct evaluation_result *out_result
);

// Whether the text names JavaScript as an evaluatorType.
bool script_is_javascript(bytes evaluator_type);

// A script's value as the name of a case: strings as they are, else as Java prints them.
bytes script_case_text(bytes value, struct arena *arena);

// The member of a task's input as text; data NULL when there is none or it is null.
bytes script_parameter(bytes input, const char *key, struct arena *arena);

// The output of a task whose script gave `json`: `{"result":…}`.
bytes script_output(bytes json, struct arena *arena);

// Ends the task with `output.result`, or by a result that is none: `output.error` and the reason
// are its text, `failed` the status when the script itself is to blame.
MUST_USE err
script_end(struct task *task, const struct evaluation_result *result, enum api_task_status failed);

// Ends the task in `status`, with the text as reason and `output.error`.
MUST_USE err script_fail(struct task *task, bytes text, enum api_task_status status);
