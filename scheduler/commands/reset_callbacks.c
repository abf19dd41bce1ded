// W-17: worker tasks that wait for their callback may be polled now (engine.md §5.9).
#include "scheduler/commands/commands.h"
#include "scheduler/queue.h"
#include "scheduler/tasks/kind.h"
#include "scheduler/timer.h"

err reset_callbacks(struct decision *decision, bytes workflow_id, struct reply *out_reply) {
    struct workflow *workflow = NULL;
    TRY(workflow_open(decision, workflow_id, &workflow));
    if (workflow_is_terminal(workflow)) {
        return err_make(
            ERR_CONFLICT,
            arena_format(
                decision->arena,
                "Workflow is in terminal state. Status = %s",
                api_workflow_status_text(workflow_status(workflow))
            )
        );
    }
    struct task **tasks = NULL;
    uint32_t count = 0;
    TRY(task_list(workflow, &tasks, &count));
    for (uint32_t i = 0; i < count; i++) {
        struct task *task = tasks[i];
        if (task_kind_of(task->definition->type)->worker &&
            task->row.status == API_TASK_SCHEDULED && task->row.callback_s > 0) {
            task->row.callback_s = 0;
            task->dirty = true;
            TRY(queue_enter(task, decision->now.ms));
            timer_arm(task);
        }
    }
    workflow_save(workflow);
    *out_reply = (struct reply){.status = 204, .kind = REPLY_VOID};
    return ERR_NONE;
}
