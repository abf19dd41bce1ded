// The context document of expressions (engine.md §9.5) over rows: one entry for the workflow, one
// for each reference name, read when an expression names them and not before.
#pragma once

#include "scheduler/expression/expression.h"
#include "scheduler/task.h"

// How a task's parameters are evaluated: what differs between kinds of task (engine.md §9.4, §9.7).
struct context_options {
    bytes task_id;      // `${CPEWF_TASK_ID}`; data NULL: stays literal
    bool with_template; // the task definition's inputTemplate is laid under
};

// Evaluates `parameters`, an object. Errors: ERR_TOO_LARGE, ERR_CORRUPT.
MUST_USE err
context_evaluate(struct workflow *workflow, bytes parameters, bytes task_id, bytes *out_json);

// The input of a task as whoever does it sees it, secrets in their places (engine.md §9.6). Not to
// be stored. Errors: ERR_TOO_LARGE.
MUST_USE err context_reveal(struct decision *decision, bytes input, bytes *out_json);

// Evaluates a task's inputParameters, the template of its definition under them if so wanted.
MUST_USE err context_task_input(
    struct workflow *workflow,
    const struct definition_task *definition,
    const struct context_options *options,
    bytes *out_json
);
