// JSON_JQ_TRANSFORM: a jq program over the task's own input (engine.md §10.20).
#include "proto/json/json.h"
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
    *out_evaluation = (struct evaluation){
        .language = EVALUATION_JQ,
        .text = script_parameter(input, "queryExpression", decision->arena),
        .input = input,
    };
    return ERR_NONE;
}

// `json` is the array of all outputs.
static bytes scripted(bytes json, struct arena *arena) {
    bytes first = JSON_NULL_TEXT;
    struct json_iter iter = json_iter(json);
    (void)json_next_element(&iter, &first);
    return bytes_from_text(arena_format(
        arena, "{\"result\":%.*s,\"resultList\":%.*s}", BYTES_ARG(first), BYTES_ARG(json)
    ));
}

static err begin(struct task *task) {
    struct workflow *workflow = task->workflow;
    bytes input = BYTES_EMPTY;
    struct evaluation evaluation;
    TRY(payload_load(workflow, task_input(task), &input));
    TRY(script(workflow->decision, task->definition, input, &evaluation));
    if (evaluation.text.data == NULL) {
        return script_fail(
            task, BYTES_LITERAL("Missing 'queryExpression' in input parameters"), API_TASK_FAILED
        );
    }
    struct evaluation_result result;
    TRY(script_run(workflow, task->definition, &evaluation, &result));
    if (result.outcome != EVALUATION_DONE) {
        return script_fail(task, result.error, API_TASK_FAILED);
    }
    bytes output = scripted(result.json, workflow->decision->arena);
    if (!task_set_output(task, output)) {
        task_set_too_large(task, output.size);
        return task_move(task, API_TASK_FAILED_WITH_TERMINAL_ERROR);
    }
    return task_move(task, API_TASK_COMPLETED);
}

const struct task_kind task_kind_jq = {
    .with_template = true,
    .knows_task_id = true,
    .first_status = API_TASK_IN_PROGRESS,
    .at_once = true,
    .begin = begin,
    .script = script,
    .scripted = scripted,
};
