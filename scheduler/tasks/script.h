// What the kinds of task that run scripts have in common. Thread: core.
#pragma once

#include "scheduler/task.h"

// Runs `text` over `input`. Errors: ERR_SUSPENDED, ERR_LATER (decision.h): give the decision up.
MUST_USE err script_run(
    struct workflow *workflow,
    enum evaluation_language language,
    enum evaluation_kind kind,
    bytes text,
    bytes input,
    struct evaluation_result *out_result
);

// Whether the text names JavaScript as an evaluatorType.
bool script_is_javascript(bytes evaluator_type);

// A script's value as the name of a case: strings as they are, else as Java prints them.
bytes script_case_text(bytes value, struct arena *arena);

// The member of a task's input as text; data NULL when there is none or it is null.
bytes script_parameter(const struct task *task, bytes input, const char *key);

// Ends the task with `output.result`, or by a result that is none: `output.error` and the reason
// are its text, `failed` the status when the script itself is to blame.
MUST_USE err
script_end(struct task *task, const struct evaluation_result *result, enum api_task_status failed);

// Ends the task in `status`, with the text as reason and `output.error`.
MUST_USE err script_fail(struct task *task, bytes text, enum api_task_status status);
