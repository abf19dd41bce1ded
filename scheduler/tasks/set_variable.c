// SET_VARIABLE: its evaluated input is laid over the workflow's variables (engine.md §10.11).
#include "proto/json/json.h"
#include "proto/limits.h"
#include "scheduler/tasks/kind.h"

static err begin(struct task *task) {
    struct workflow *workflow = task->workflow;
    bytes variables = BYTES_EMPTY;
    bytes input = BYTES_EMPTY;
    TRY(payload_load(workflow, workflow_variables(workflow), &variables));
    TRY(payload_load(workflow, task_input(task), &input));
    bytes merged = json_merge(variables, input, workflow->decision->arena);
    if (merged.size > LIMIT_VARIABLES_BYTES) {
        task_format_reason(
            task,
            "The variables payload size: %zu of workflow: %.*s is greater than the permissible "
            "limit: %d kilobytes",
            merged.size,
            BYTES_ARG(workflow->id_text),
            LIMIT_VARIABLES_BYTES / 1024
        );
        return task_move(task, API_TASK_FAILED_WITH_TERMINAL_ERROR);
    }
    workflow_set_variables(workflow, payload_store(workflow, merged));
    return task_move(task, API_TASK_COMPLETED);
}

const struct task_kind task_kind_set_variable = {
    .first_status = API_TASK_IN_PROGRESS,
    .at_once = true,
    .begin = begin,
};
