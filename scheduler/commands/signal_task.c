// W-22: which task a signal goes to, what a wait is for (rest-api.md §4).
#include "proto/json/json.h"
#include "scheduler/commands/commands.h"
#include "scheduler/decider.h"
#include "scheduler/task.h"
#include "scheduler/update.h"

static bool
is_wanted(const struct task *task, enum wait_for wanted, const bytes *references, size_t count);

err look_for_wait(
    struct decision *decision,
    bytes workflow_id,
    enum wait_for wanted,
    const bytes *references,
    size_t reference_count,
    struct wait_look *out_look
) {
    struct workflow *workflow = NULL;
    TRY(workflow_open(decision, workflow_id, &workflow));
    struct task **tasks = NULL;
    uint32_t count = 0;
    TRY(task_list(workflow, &tasks, &count));
    struct wait_look look = {
        .terminal = workflow_is_terminal(workflow),
        .status = bytes_from_text(api_workflow_status_text(workflow_status(workflow))),
        .steps = ARENA_ARRAY(decision->arena, struct wait_step, count + 1),
    };
    for (uint32_t i = 0; i < count; i++) {
        const struct task *task = tasks[i];
        bool child = task->definition->type == TASK_TYPE_SUB_WORKFLOW && !task_is_terminal(task) &&
                     task->row.child.size > 0;
        if (is_wanted(task, wanted, references, reference_count)) {
            look.steps[look.step_count++] = (struct wait_step){.id = task_id_text(task)};
        } else if (child) {
            look.steps[look.step_count++] =
                (struct wait_step){.is_child = true, .id = task->row.child};
        }
    }
    *out_look = look;
    return ERR_NONE;
}

static bool
is_wanted(const struct task *task, enum wait_for wanted, const bytes *references, size_t count) {
    if (task->definition->type == TASK_TYPE_WAIT && !task_is_terminal(task)) {
        return wanted == WAIT_FOR_SIGNAL_TARGET || task->row.wait_ms == 0;
    }
    if (wanted == WAIT_FOR_SIGNAL_TARGET || !task_is_terminal(task)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (bytes_equal(task->row.reference, references[i])) {
            return true;
        }
    }
    return false;
}

err signal_task(
    struct decision *decision, bytes task_id, bytes status, bytes output, struct reply *out_reply
) {
    struct workflow *workflow = NULL;
    struct task *task = NULL;
    enum api_task_result_status wanted = API_RESULT_NONE;
    TRY(task_open(decision, task_id, &workflow, &task));
    if (!api_task_result_status_from_text(status, &wanted)) {
        return err_make(
            ERR_ILLEGAL_STATE,
            arena_format(
                decision->arena, "status '%.*s' of a task result is unknown", BYTES_ARG(status)
            )
        );
    }
    *out_reply = (struct reply){.status = 200, .kind = REPLY_VOID};
    if (task_is_terminal(task) || workflow_is_terminal(workflow)) {
        return ERR_NONE;
    }
    bytes present = BYTES_EMPTY;
    TRY(payload_load(workflow, task_output(task), &present));
    struct update update = {
        .status = api_task_status_of_result(wanted),
        .reason = (task->row.flags & TASK_HAS_REASON) != 0 ? task->row.reason : BYTES_EMPTY,
        .worker = (task->row.flags & TASK_HAS_WORKER) != 0 ? task->row.worker : BYTES_EMPTY,
        .output = json_merge(present, output, decision->arena),
        .child = task->row.child.size > 0 ? task->row.child : BYTES_EMPTY,
        .external_output = task->row.external_output,
        .callback_s = task->row.callback_s,
    };
    TRY(update_apply(task, &update));
    TRY(decider_run(workflow));
    workflow_save(workflow);
    return ERR_NONE;
}
