// Takes a hand-out back whose answer nobody got. The claim's poll count and time fence it: a
// worker's word in between, a lease extension, a later hand-out, an end, each makes it void.
#include "proto/base/mutant.h"
#include "scheduler/commands/commands.h"
#include "scheduler/limit.h"
#include "scheduler/queue.h"
#include "scheduler/timer.h"

static bool is_current(const struct task *task, const struct task_claim *claim);

err return_task(struct decision *decision, const struct task_claim *claim) {
    struct workflow *workflow = NULL;
    err error = workflow_open_id(decision, claim->workflow, &workflow);
    if (error.code == ERR_NOT_FOUND) {
        return ERR_NONE;
    }
    TRY(error);
    if (workflow->row.run != claim->run || claim->task_no >= workflow->row.next_task_no) {
        return ERR_NONE;
    }
    struct task *task = NULL;
    TRY(task_find(workflow, claim->task_no, &task));
    if (task == NULL || !is_current(task, claim)) {
        return ERR_NONE;
    }
    task->row.poll_count--;
    task->row.start_ms = task->row.poll_count == 0 ? 0 : task->row.start_ms;
    task->row.worker = BYTES_EMPTY;
    task->row.flags &= ~(uint32_t)TASK_HAS_WORKER;
    task->dirty = true;
    TRY(limit_forget(task));
    TRY(task_move(task, API_TASK_SCHEDULED));
    TRY(queue_enter(task, task->row.ready_ms));
    timer_arm(task);
    workflow_save(workflow);
    return ERR_NONE;
}

static bool is_current(const struct task *task, const struct task_claim *claim) {
    if (mutant_is("undelivered_after_update")) {
        return task->row.status == API_TASK_IN_PROGRESS && task->row.poll_count > 0;
    }
    return task->row.status == API_TASK_IN_PROGRESS && task->row.place == TASK_PLACE_CLAIMED &&
           task->row.poll_count == claim->poll_count && task->row.update_ms == claim->update_ms;
}
