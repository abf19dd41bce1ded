// INLINE: a script over the task's own input (engine.md §10.18).
#include "proto/json/json.h"
#include "scheduler/context.h"
#include "scheduler/tasks/kind.h"
#include "scheduler/tasks/script.h"

#define MUST_BE_TEXT " A non-empty String value must be provided."

static err without_script(struct task *task, bytes input);

static bytes evaluator_of(bytes input, struct arena *arena) {
    bytes evaluator = script_parameter(input, "evaluatorType", arena);
    return evaluator.data == NULL ? BYTES_LITERAL("javascript") : evaluator;
}

static err script(
    struct decision *decision,
    const struct definition_task *definition,
    bytes input,
    struct evaluation *out_evaluation
) {
    (void)definition;
    TRY(context_reveal(decision, input, &input));
    bytes expression = script_parameter(input, "expression", decision->arena);
    *out_evaluation = (struct evaluation){.language = EVALUATION_JAVASCRIPT, .input = input};
    if (script_is_javascript(evaluator_of(input, decision->arena)) &&
        bytes_trim(expression).size > 0) {
        out_evaluation->text = expression;
    }
    return ERR_NONE;
}

static err begin(struct task *task) {
    struct workflow *workflow = task->workflow;
    enum api_task_status failed = API_TASK_FAILED_WITH_TERMINAL_ERROR;
    bytes input = BYTES_EMPTY;
    struct evaluation evaluation;
    struct evaluation_result result = {.outcome = EVALUATION_DONE, .json = JSON_NULL_TEXT};
    TRY(payload_load(workflow, task_input(task), &input));
    TRY(script(workflow->decision, task->definition, input, &evaluation));
    if (evaluation.text.data == NULL) {
        return without_script(task, evaluation.input);
    }
    TRY(script_run(workflow, task->definition, &evaluation, &result));
    return script_end(task, &result, failed);
}

// The value of a parameter, or nothing that can be evaluated.
static err without_script(struct task *task, bytes input) {
    struct arena *arena = task->workflow->decision->arena;
    enum api_task_status failed = API_TASK_FAILED_WITH_TERMINAL_ERROR;
    bytes evaluator = evaluator_of(input, arena);
    bytes expression = script_parameter(input, "expression", arena);
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
    if (!bytes_equal_text(evaluator, "value-param")) {
        const char *text =
            arena_format(arena, "Unknown evaluator '%.*s' in INLINE task.", BYTES_ARG(evaluator));
        return script_fail(task, bytes_from_text(text), failed);
    }
    (void)json_get(input, expression, &result.json);
    return script_end(task, &result, failed);
}

const struct task_kind task_kind_inline = {
    .with_template = true,
    .knows_task_id = true,
    .first_status = API_TASK_IN_PROGRESS,
    .at_once = true,
    .begin = begin,
    .script = script,
    .scripted = script_output,
};
