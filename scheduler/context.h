// The context document of expressions (engine.md §9.5) over rows: one entry for the workflow, one
// for each reference name, read when an expression names them and not before.
#pragma once

#include "scheduler/expression/expression.h"
#include "scheduler/task.h"

// What a task's parameters will see when the flow gets to it, as far as that is known while an
// earlier task waits (foresight.h).
struct context_ahead {
    uint32_t from; // tasks of the definition from this index to the one before the task's own will
                   // have run by then …
    struct context_output {
        uint32_t index;
        bytes json;
    } outputs[LIMIT_FORESIGHT_TASKS]; // … and these outputs are known already
    uint32_t output_count;
    bool variables_change; // one of them sets variables
    bool unknown;          // out: something was named that is not known
};

// How a task's parameters are evaluated: what differs between kinds of task (engine.md §9.4, §9.7).
struct context_options {
    bytes task_id;               // `${CPEWF_TASK_ID}`; data NULL: stays literal
    bool with_template;          // the task definition's inputTemplate is laid under
    struct context_ahead *ahead; // NULL: the flow is there
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
