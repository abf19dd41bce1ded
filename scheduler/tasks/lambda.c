// LAMBDA: the body of a JavaScript function over the task's own input (engine.md §10.19).
#include "scheduler/context.h"
#include "scheduler/tasks/kind.h"
#include "scheduler/tasks/script.h"

static err begin(struct task *task) {
    struct workflow *workflow = task->workflow;
    bytes input = BYTES_EMPTY;
    TRY(payload_load(workflow, task_input(task), &input));
    TRY(context_reveal(workflow->decision, input, &input));
    bytes text = script_parameter(task, input, "scriptExpression");
    if (bytes_trim(text).size == 0) {
        return script_fail(
            task,
            BYTES_LITERAL("Empty 'scriptExpression' in Lambda task's input parameters. A non-empty "
                          "String value must be provided."),
            API_TASK_FAILED
        );
    }
    struct evaluation_result result;
    TRY(script_run(workflow, EVALUATION_JAVASCRIPT, EVALUATION_BODY, text, input, &result));
    return script_end(task, &result, API_TASK_FAILED);
}

const struct task_kind task_kind_lambda = {
    .with_template = true,
    .knows_task_id = true,
    .first_status = API_TASK_IN_PROGRESS,
    .begin = begin,
};
