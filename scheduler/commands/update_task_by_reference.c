// T-5, T-6: completes the open task of a reference name; the output is merged over what there is
// (engine.md §6.2, rest-api.md §7.2).
#include "proto/json/json.h"
#include "scheduler/commands/answer.h"
#include "scheduler/commands/commands.h"
#include "scheduler/decider.h"
#include "scheduler/update.h"
#include "scheduler/view.h"

static err apply(struct task *task, const struct update_task_by_reference *command);

err update_task_by_reference(
    struct decision *decision,
    const struct update_task_by_reference *command,
    struct reply *out_reply
) {
    struct workflow *workflow = NULL;
    TRY(workflow_open(decision, command->workflow, &workflow));
    struct task *task = NULL;
    TRY(task_newest(workflow, command->reference, &task, NULL));
    bool open = task != NULL && !task_is_terminal(task);
    if (!open && command->sync) {
        return err_make(
            ERR_NOT_FOUND,
            arena_format(
                decision->arena,
                "Found no running task %.*s of workflow %.*s to update",
                BYTES_ARG(command->reference),
                BYTES_ARG(command->workflow)
            )
        );
    }
    if (open) {
        TRY(apply(task, command));
        workflow_save(workflow);
    }
    bytes body = open ? task_id_text(task) : BYTES_EMPTY;
    if (command->sync) {
        return answer_workflow(workflow, out_reply);
    }
    *out_reply = (struct reply){.status = 200, .kind = REPLY_TEXT, .body = body};
    return ERR_NONE;
}

static err apply(struct task *task, const struct update_task_by_reference *command) {
    struct workflow *workflow = task->workflow;
    enum api_task_result_status status = API_RESULT_NONE;
    if (!api_task_result_status_from_text(command->status, &status)) {
        return err_make(
            ERR_ILLEGAL_STATE,
            arena_format(
                workflow->decision->arena,
                "status '%.*s' of a task result is unknown",
                BYTES_ARG(command->status)
            )
        );
    }
    if (workflow_is_terminal(workflow)) {
        return ERR_NONE;
    }
    bytes output = BYTES_EMPTY;
    TRY(payload_load(workflow, task_output(task), &output));
    bool keep_worker = !command->sync && bytes_trim(command->worker).size == 0;
    bool has_worker = (task->row.flags & TASK_HAS_WORKER) != 0;
    struct update update = {
        .status = api_task_status_of_result(status),
        .reason = (task->row.flags & TASK_HAS_REASON) != 0 ? task->row.reason : BYTES_EMPTY,
        .worker = command->worker,
        .output = json_merge(output, command->output, workflow->decision->arena),
        .child = task->row.child.size > 0 ? task->row.child : BYTES_EMPTY,
        .external_output = task->row.external_output,
        .callback_s = task->row.callback_s,
    };
    if (keep_worker) {
        update.worker = has_worker ? task->row.worker : BYTES_EMPTY;
    }
    TRY(update_apply(task, &update));
    return decider_run(workflow);
}
