// Scripts are values to the scheduler: text and input go out, a result comes back, if not at once
// then when the decision is run again (distributed.md §5.1).
#include "scheduler/tasks/script.h"

#include "proto/json/json.h"
#include "scheduler/expression/expression.h"

err script_run(
    struct workflow *workflow,
    enum evaluation_language language,
    enum evaluation_kind kind,
    bytes text,
    bytes input,
    struct evaluation_result *out_result
) {
    struct evaluation evaluation = {
        .language = language,
        .kind = kind,
        .text = text,
        .input = input,
    };
    return decision_evaluate(workflow->decision, &evaluation, out_result);
}

bool script_is_javascript(bytes evaluator_type) {
    return bytes_equal_text(evaluator_type, "javascript") ||
           bytes_equal_text(evaluator_type, "graaljs");
}

bytes script_case_text(bytes value, struct arena *arena) {
    return json_is_string(value) ? json_string(value, arena) : expression_java_text(value, arena);
}

bytes script_parameter(const struct task *task, bytes input, const char *key) {
    bytes value = BYTES_EMPTY;
    if (!json_get_text(input, key, &value) || json_is_null(value)) {
        return BYTES_EMPTY;
    }
    bytes text = script_case_text(value, task->workflow->decision->arena);
    return text.data != NULL ? text : BYTES_LITERAL("");
}

err script_end(
    struct task *task, const struct evaluation_result *result, enum api_task_status failed
) {
    if (result->outcome != EVALUATION_DONE) {
        return script_fail(
            task, result->error, result->outcome == EVALUATION_FAILED ? failed : API_TASK_FAILED
        );
    }
    const char *output =
        arena_format(task->workflow->decision->arena, "{\"result\":%.*s}", BYTES_ARG(result->json));
    if (!task_set_output(task, bytes_from_text(output))) {
        task_set_too_large(task, result->json.size);
        return task_move(task, API_TASK_FAILED_WITH_TERMINAL_ERROR);
    }
    return task_move(task, API_TASK_COMPLETED);
}

err script_fail(struct task *task, bytes text, enum api_task_status status) {
    struct arena *arena = task->workflow->decision->arena;
    bytes value = json_string_value(text, arena);
    const char *output = arena_format(arena, "{\"error\":%.*s}", BYTES_ARG(value));
    if (!task_set_output(task, bytes_from_text(output))) {
        task_set_too_large(task, text.size);
        return task_move(task, API_TASK_FAILED_WITH_TERMINAL_ERROR);
    }
    task_set_reason(task, text);
    return task_move(task, status);
}
