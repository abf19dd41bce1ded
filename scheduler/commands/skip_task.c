// W-20: a task that the flow has not reached yet is stepped over when it does (engine.md §5.8).
// SKIPPED counts as done and successful, for a JOIN, too.
#include "proto/json/json.h"
#include "scheduler/commands/commands.h"
#include "scheduler/decider.h"
#include "scheduler/tasks/kind.h"

static err
check_may_skip(struct workflow *workflow, bytes reference, const struct definition_task **out_task);
static err tell_joins(struct task *task);

err skip_task(
    struct decision *decision,
    bytes workflow_id,
    bytes reference,
    const struct api_skip_task_request *request,
    struct reply *out_reply
) {
    struct workflow *workflow = NULL;
    TRY(workflow_open(decision, workflow_id, &workflow));
    const struct definition_task *definition = NULL;
    TRY(check_may_skip(workflow, reference, &definition));
    struct task *task = task_new(workflow, definition, API_TASK_SKIPPED);
    bytes input = request->task_input.data != NULL ? request->task_input : JSON_EMPTY_OBJECT;
    bytes output = request->task_output.data != NULL ? request->task_output : JSON_EMPTY_OBJECT;
    if (!task_set_input(task, input) || !task_set_output(task, output)) {
        return err_make(ERR_TOO_LARGE, "the task's input or output is too large");
    }
    TRY(task_admit(task));
    TRY(tell_joins(task));
    TRY(decider_run(workflow));
    workflow_save(workflow);
    *out_reply = (struct reply){.status = 200, .kind = REPLY_VOID};
    return ERR_NONE;
}

static err check_may_skip(
    struct workflow *workflow, bytes reference, const struct definition_task **out_task
) {
    struct arena *arena = workflow->decision->arena;
    if (workflow_status(workflow) != API_WORKFLOW_RUNNING) {
        return err_make(
            ERR_ILLEGAL_STATE,
            arena_format(
                arena,
                "The workflow %.*s is not running so the task referenced by %.*s cannot be skipped",
                BYTES_ARG(workflow->id_text),
                BYTES_ARG(reference)
            )
        );
    }
    *out_task = definition_find(workflow->definition, reference);
    if (*out_task == NULL) {
        return err_make(
            ERR_ILLEGAL_STATE,
            arena_format(
                arena,
                "The task referenced by %.*s does not exist in the WorkflowDefinition %.*s",
                BYTES_ARG(reference),
                BYTES_ARG(workflow->row.name)
            )
        );
    }
    bool exists = false;
    TRY(task_exists(workflow, reference, &exists));
    if (exists) {
        return err_make(
            ERR_ILLEGAL_STATE,
            arena_format(
                arena,
                "The task referenced %.*s has already been processed, cannot be skipped",
                BYTES_ARG(reference)
            )
        );
    }
    return ERR_NONE;
}

// Nobody follows a skipped task up: the JOINs that name it look now.
static err tell_joins(struct task *task) {
    struct workflow *workflow = task->workflow;
    const struct definition_task *definition = task->definition;
    for (uint32_t i = 0; i < definition->joined_by_count; i++) {
        const struct definition_task *waits =
            &workflow->definition->tasks[definition->joined_by[i]];
        struct task *join = NULL;
        TRY(task_newest(workflow, waits->model.task_reference_name, &join, NULL));
        if (join != NULL && !task_is_terminal(join)) {
            TRY(task_kind_of(waits->type)->look(join));
        }
    }
    return ERR_NONE;
}
