// LAMBDA: the body of a JavaScript function over the task's own input (engine.md §10.19).
#include "scheduler/context.h"
#include "scheduler/tasks/kind.h"
#include "scheduler/tasks/script.h"

static err script(
    struct decision *decision,
    const struct definition_task *definition,
    bytes input,
    struct evaluation *out_evaluation
) {
    (void)definition;
    TRY(context_reveal(decision, input, &input));
    bytes text = script_parameter(input, "scriptExpression", decision->arena);
    *out_evaluation = (struct evaluation){
        .language = EVALUATION_JAVASCRIPT,
        .kind = EVALUATION_BODY,
        .text = bytes_trim(text).size > 0 ? text : BYTES_EMPTY,
        .input = input,
    };
    return ERR_NONE;
}

static err begin(struct task *task) {
    struct workflow *workflow = task->workflow;
    bytes input = BYTES_EMPTY;
    struct evaluation evaluation;
    TRY(payload_load(workflow, task_input(task), &input));
    TRY(script(workflow->decision, task->definition, input, &evaluation));
    if (evaluation.text.data == NULL) {
        return script_fail(
            task,
            BYTES_LITERAL("Empty 'scriptExpression' in Lambda task's input parameters. A non-empty "
                          "String value must be provided."),
            API_TASK_FAILED
        );
    }
    struct evaluation_result result;
    TRY(script_run(workflow, task->definition, &evaluation, &result));
    return script_end(task, &result, API_TASK_FAILED);
}

const struct task_kind task_kind_lambda = {
    .with_template = true,
    .knows_task_id = true,
    .first_status = API_TASK_IN_PROGRESS,
    .at_once = true,
    .begin = begin,
    .script = script,
    .scripted = script_output,
};
