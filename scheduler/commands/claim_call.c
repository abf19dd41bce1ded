// Claims one ready task for the process that will make its call: what is written here – who calls,
// until when it is taken for lost – is committed before the call is made (distributed.md §9).
#include "scheduler/commands/commands.h"
#include "scheduler/decider.h"
#include "scheduler/limit.h"
#include "scheduler/queue.h"
#include "scheduler/tasks/kind.h"
#include "scheduler/timer.h"

static err assign(struct task *task, const struct call_claim *claim);

err claim_call(
    struct decision *decision,
    bytes queue_key,
    struct call_claim *claim,
    struct call *out_call,
    bool *out_wanted
) {
    struct task *task = NULL;
    TRY(queue_find(decision, queue_key, &task));
    if (task == NULL || task->is_closing || !task_kind_of(task->definition->type)->called) {
        return err_make(ERR_NOT_FOUND, "there is nothing to call");
    }
    bool admits = false;
    int64_t until_ms = 0;
    TRY(limit_admits(task, 1, &admits, &until_ms));
    if (!admits) {
        claim->limit_hash = limit_hash(task);
        claim->until_ms = until_ms;
        return err_make(ERR_UNAVAILABLE, "a limit of the task's definition is reached");
    }
    TRY(assign(task, claim));
    TRY(task_kind_of(task->definition->type)->call(task, out_call, out_wanted));
    if (*out_wanted) {
        timer_arm(task);
    } else {
        TRY(decider_run(task->workflow));
    }
    workflow_save(task->workflow);
    claim->workflow = task->workflow->id;
    claim->run = task->workflow->row.run;
    claim->task_no = task->number;
    return ERR_NONE;
}

static err assign(struct task *task, const struct call_claim *claim) {
    struct decision *decision = task->workflow->decision;
    TRY(queue_claim(task));
    TRY(task_move(task, API_TASK_IN_PROGRESS));
    task->row.start_ms = task->row.start_ms == 0 ? decision->now.ms : task->row.start_ms;
    task->row.update_ms = decision->now.ms;
    task->row.callback_s = 0;
    task->row.poll_count++;
    task->row.worker = decision->settings->server_name;
    task->row.flags |= TASK_HAS_WORKER;
    task->row.executor = claim->executor;
    task->row.call_number = claim->number;
    task->dirty = true;
    return ERR_NONE;
}
