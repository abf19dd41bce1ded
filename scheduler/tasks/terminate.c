// TERMINATE: ends its workflow with a status, a reason and an output of its choice (engine.md
// §10.12). The task completes in one generation and is acted on in the next, as in the reference.
#include "proto/json/json.h"
#include "scheduler/tasks/kind.h"

static bool status_of(bytes input, enum api_workflow_status *out_status);
static bytes text_of(struct task *task, bytes input, const char *key);

static err begin(struct task *task) {
    struct workflow *workflow = task->workflow;
    bytes input = BYTES_EMPTY;
    TRY(payload_load(workflow, task_input(task), &input));
    enum api_workflow_status status = API_WORKFLOW_NONE;
    if (!status_of(input, &status)) {
        task_set_reason(task, BYTES_LITERAL("given termination status is not valid"));
        return task_move(task, API_TASK_FAILED);
    }
    bytes value = BYTES_EMPTY;
    bytes output = JSON_EMPTY_OBJECT;
    if (json_get_text(input, "workflowOutput", &value) && !json_is_null(value)) {
        output =
            json_is_object(value)
                ? value
                : bytes_from_text(
                      arena_format(workflow->decision->arena, "{\"output\":%.*s}", BYTES_ARG(value))
                  );
    }
    if (!task_set_output(task, output)) {
        task_set_too_large(task, output.size);
        return task_move(task, API_TASK_FAILED_WITH_TERMINAL_ERROR);
    }
    return task_move(task, API_TASK_COMPLETED);
}

void terminate_want_end(struct task *task) {
    struct workflow *workflow = task->workflow;
    bytes input = BYTES_EMPTY;
    enum api_workflow_status status = API_WORKFLOW_COMPLETED;
    err error = payload_load(workflow, task_input(task), &input);
    if (err_is(error) || !status_of(input, &status)) {
        // Completed from outside without a usable status: an end without news.
        status = API_WORKFLOW_COMPLETED;
    }
    bytes reason = text_of(task, input, "terminationReason");
    if (reason.data == NULL) {
        bytes id = task_id_text(task);
        reason = bytes_from_text(arena_format(
            workflow->decision->arena,
            "Workflow is %s by TERMINATE task: %.*s",
            api_workflow_status_text(status),
            BYTES_ARG(id)
        ));
    }
    workflow_want_end(workflow, status, reason, task);
    workflow->ending.by_terminate_task = true;
}

static bool status_of(bytes input, enum api_workflow_status *out_status) {
    static const enum api_workflow_status allowed[] = {
        API_WORKFLOW_COMPLETED, API_WORKFLOW_FAILED, API_WORKFLOW_TERMINATED};
    bytes value = BYTES_EMPTY;
    if (!json_get_text(input, "terminationStatus", &value) || !json_is_string(value)) {
        return false;
    }
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++) {
        if (json_string_equal(value, bytes_from_text(api_workflow_status_text(allowed[i])))) {
            *out_status = allowed[i];
            return true;
        }
    }
    return false;
}

static bytes text_of(struct task *task, bytes input, const char *key) {
    bytes value = BYTES_EMPTY;
    if (!json_is_object(input) || !json_get_text(input, key, &value) || json_is_null(value)) {
        return BYTES_EMPTY;
    }
    struct arena *arena = task->workflow->decision->arena;
    bytes text = json_is_string(value) ? json_string(value, arena) : value;
    return text.size > 0 ? text : BYTES_EMPTY;
}

const struct task_kind task_kind_terminate = {
    .knows_task_id = true,
    .first_status = API_TASK_IN_PROGRESS,
    .begin = begin,
};
