// INLINE: a script over the task's own input (engine.md §10.18).
#include "proto/json/json.h"
#include "scheduler/context.h"
#include "scheduler/tasks/kind.h"
#include "scheduler/tasks/script.h"

#define MUST_BE_TEXT " A non-empty String value must be provided."

static err begin(struct task *task) {
    struct workflow *workflow = task->workflow;
    struct arena *arena = workflow->decision->arena;
    bytes input = BYTES_EMPTY;
    TRY(payload_load(workflow, task_input(task), &input));
    TRY(context_reveal(workflow->decision, input, &input));
    bytes evaluator = script_parameter(task, input, "evaluatorType");
    bytes expression = script_parameter(task, input, "expression");
    enum api_task_status failed = API_TASK_FAILED_WITH_TERMINAL_ERROR;
    if (evaluator.data == NULL) {
        evaluator = BYTES_LITERAL("javascript");
    }
    if (bytes_trim(evaluator).size == 0) {
        return script_fail(
            task,
            BYTES_LITERAL("Empty 'evaluatorType' in INLINE task's input parameters." MUST_BE_TEXT),
            failed
        );
    }
    if (bytes_trim(expression).size == 0) {
        return script_fail(
            task,
            BYTES_LITERAL("Empty 'expression' in Inline task's input parameters." MUST_BE_TEXT),
            failed
        );
    }
    struct evaluation_result result = {.outcome = EVALUATION_DONE, .json = JSON_NULL_TEXT};
    if (bytes_equal_text(evaluator, "value-param")) {
        (void)json_get(input, expression, &result.json);
    } else if (script_is_javascript(evaluator)) {
        TRY(script_run(
            workflow, EVALUATION_JAVASCRIPT, EVALUATION_EXPRESSION, expression, input, &result
        ));
    } else {
        const char *text =
            arena_format(arena, "Unknown evaluator '%.*s' in INLINE task.", BYTES_ARG(evaluator));
        return script_fail(task, bytes_from_text(text), failed);
    }
    return script_end(task, &result, failed);
}

const struct task_kind task_kind_inline = {
    .with_template = true,
    .knows_task_id = true,
    .first_status = API_TASK_IN_PROGRESS,
    .begin = begin,
};
