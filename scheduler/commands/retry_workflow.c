// W-16: goes on with what failed (engine.md §5.4).
#include "scheduler/closing.h"
#include "scheduler/commands/commands.h"
#include "scheduler/decider.h"
#include "scheduler/lifecycle.h"
#include "scheduler/task.h"

static err check_may_retry(struct workflow *workflow);

err retry_workflow(struct decision *decision, bytes workflow_id, struct reply *out_reply) {
    struct workflow *workflow = NULL;
    TRY(workflow_open(decision, workflow_id, &workflow));
    TRY(check_may_retry(workflow));
    TRY(closing_finish(workflow));
    bool has = false;
    TRY(lifecycle_has_retryable(workflow, &has));
    if (!has && workflow_status(workflow) != API_WORKFLOW_TIMED_OUT) {
        return err_make(
            ERR_CONFLICT,
            "There are no retryable tasks! Use restart if you want to attempt entire workflow "
            "execution again."
        );
    }
    lifecycle_reopen(workflow, false);
    workflow->row.flags |= WORKFLOW_WANTS_RETRY; // the decider's first step
    TRY(lifecycle_tell_parent(workflow, BYTES_LITERAL("retried")));
    TRY(decider_run(workflow));
    workflow_save(workflow);
    *out_reply = (struct reply){.status = 204, .kind = REPLY_VOID};
    return ERR_NONE;
}

err find_failed_child(
    struct decision *decision, bytes workflow_id, enum retry_wish *out_wish, bytes *out_child
) {
    struct workflow *workflow = NULL;
    TRY(workflow_open(decision, workflow_id, &workflow));
    TRY(check_may_retry(workflow));
    struct task **tasks = NULL;
    uint32_t count = 0;
    TRY(task_list(workflow, &tasks, &count));
    *out_wish = RETRY_NOTHING;
    for (uint32_t i = 0; i < count; i++) {
        const struct task *task = tasks[i];
        if (!task_is_terminal(task) || task_is_successful(task) ||
            (task->row.flags & TASK_RETRIED) != 0 || task->definition->type == TASK_TYPE_DO_WHILE) {
            continue; // a failed loop failed by a task of its own, which comes after it
        }
        bool child = task->definition->type == TASK_TYPE_SUB_WORKFLOW && task->row.child.size > 0;
        *out_wish = child ? RETRY_CHILD : RETRY_SELF;
        *out_child = child ? task->row.child : BYTES_EMPTY;
        return ERR_NONE;
    }
    return ERR_NONE;
}

static err check_may_retry(struct workflow *workflow) {
    if (!workflow_is_terminal(workflow)) {
        return err_make(
            ERR_NOT_FOUND,
            arena_format(
                workflow->decision->arena,
                "Workflow is still running.  status=%s",
                api_workflow_status_text(workflow_status(workflow))
            )
        );
    }
    if (workflow->row.next_seq == 1) {
        return err_make(ERR_CONFLICT, "Workflow has not started yet");
    }
    return ERR_NONE;
}
