// Scripts are values to the scheduler: text and input go out, a result comes back, if not at once
// then when the decision is run again (distributed.md §5.1).
#include "scheduler/tasks/script.h"

#include "proto/json/json.h"
#include "scheduler/expression/expression.h"
#include "scheduler/foresight.h"

err script_run(
    struct workflow *workflow,
    const struct definition_task *definition,
    const struct evaluation *evaluation,
    struct evaluation_result *out_result
) {
    err error = decision_evaluate(workflow->decision, evaluation, out_result);
    if (error.code == ERR_SUSPENDED) {
        foresight_look(workflow, definition);
    }
    return error;
}

bool script_is_javascript(bytes evaluator_type) {
    return bytes_equal_text(evaluator_type, "javascript") ||
           bytes_equal_text(evaluator_type, "graaljs");
}

bytes script_case_text(bytes value, struct arena *arena) {
    return json_is_string(value) ? json_string(value, arena) : expression_java_text(value, arena);
}

bytes script_parameter(bytes input, const char *key, struct arena *arena) {
    bytes value = BYTES_EMPTY;
    if (!json_get_text(input, key, &value) || json_is_null(value)) {
        return BYTES_EMPTY;
    }
    bytes text = script_case_text(value, arena);
    return text.data != NULL ? text : BYTES_LITERAL("");
}

bytes script_output(bytes json, struct arena *arena) {
    return bytes_from_text(arena_format(arena, "{\"result\":%.*s}", BYTES_ARG(json)));
}

err script_end(
    struct task *task, const struct evaluation_result *result, enum api_task_status failed
) {
    if (result->outcome != EVALUATION_DONE) {
        return script_fail(
            task, result->error, result->outcome == EVALUATION_FAILED ? failed : API_TASK_FAILED
        );
    }
    if (!task_set_output(task, script_output(result->json, task->workflow->decision->arena))) {
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
