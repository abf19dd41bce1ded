// JSON_JQ_TRANSFORM: a jq program over the task's own input (engine.md §10.20).
#include "proto/json/json.h"
#include "scheduler/context.h"
#include "scheduler/tasks/kind.h"
#include "scheduler/tasks/script.h"

static err begin(struct task *task) {
    struct workflow *workflow = task->workflow;
    struct arena *arena = workflow->decision->arena;
    bytes input = BYTES_EMPTY;
    TRY(payload_load(workflow, task_input(task), &input));
    TRY(context_reveal(workflow->decision, input, &input));
    bytes text = script_parameter(task, input, "queryExpression");
    if (text.data == NULL) {
        return script_fail(
            task, BYTES_LITERAL("Missing 'queryExpression' in input parameters"), API_TASK_FAILED
        );
    }
    struct evaluation_result result;
    TRY(script_run(workflow, EVALUATION_JQ, EVALUATION_EXPRESSION, text, input, &result));
    if (result.outcome != EVALUATION_DONE) {
        return script_fail(task, result.error, API_TASK_FAILED);
    }
    bytes first = JSON_NULL_TEXT;
    struct json_iter iter = json_iter(result.json);
    (void)json_next_element(&iter, &first);
    const char *output = arena_format(
        arena, "{\"result\":%.*s,\"resultList\":%.*s}", BYTES_ARG(first), BYTES_ARG(result.json)
    );
    if (!task_set_output(task, bytes_from_text(output))) {
        task_set_too_large(task, first.size + result.json.size);
        return task_move(task, API_TASK_FAILED_WITH_TERMINAL_ERROR);
    }
    return task_move(task, API_TASK_COMPLETED);
}

const struct task_kind task_kind_jq = {
    .with_template = true,
    .knows_task_id = true,
    .first_status = API_TASK_IN_PROGRESS,
    .begin = begin,
};
