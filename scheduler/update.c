// The one place where results enter: by id, by reference, later by signal.
#include "scheduler/update.h"

#include "proto/limits.h"
#include "scheduler/queue.h"
#include "scheduler/tasks/kind.h"
#include "scheduler/timer.h"
#include "storage/keys.h"

static err stay_open(struct task *task, int64_t callback_s);
static void set_worker(struct task *task, bytes worker);
static void drop_oldest_log(struct task *task);

err update_apply(struct task *task, const struct update *update) {
    enum api_task_status status = update->status;
    int64_t now_ms = task->workflow->decision->now.ms;
    check(!task_is_terminal(task));
    task_set_reason(task, update->reason);
    set_worker(task, update->worker);
    task->row.external_output = update->external_output;
    if (update->child.data != NULL || task->definition->type != TASK_TYPE_SUB_WORKFLOW) {
        task->row.child = update->child;
    }
    if (!task_set_output(task, update->output)) {
        task_set_too_large(task, update->output.size);
        status = API_TASK_FAILED_WITH_TERMINAL_ERROR;
    }
    task->row.callback_s = update->callback_s > 0 ? update->callback_s : 0;
    if (api_task_status_is_terminal(status)) {
        task->row.update_ms = task->row.update_ms == 0 ? now_ms : task->row.update_ms;
        if (!api_task_status_is_successful(status)) {
            TRY(sub_workflow_abandon(task, task->row.reason));
        }
        return task_move(task, status);
    }
    task->row.update_ms = now_ms;
    return stay_open(task, task->row.callback_s);
}

void update_add_log(struct task *task, bytes text, int64_t time_ms) {
    struct workflow *workflow = task->workflow;
    if (text.size > LIMIT_LOG_BYTES / 2) {
        text.size = LIMIT_LOG_BYTES / 2;
        while (text.size > 0 && (text.data[text.size] & 0xc0) == 0x80) {
            text.size--;
        }
    }
    while (task->row.log_next - task->row.log_first >= LIMIT_LOG_LINES ||
           task->row.log_bytes + text.size > LIMIT_LOG_BYTES) {
        drop_oldest_log(task);
    }
    struct log_row row = {.text = text, .time_ms = time_ms};
    struct key key = key_log(workflow->id, workflow->row.run, task->number, task->row.log_next++);
    row_put(workflow->decision->txn, &key, &log_row_record, &row);
    task->row.log_bytes += (uint32_t)text.size;
    task->dirty = true;
}

// A worker gives its task back and it waits in the queue again; any other task goes on.
static err stay_open(struct task *task, int64_t callback_s) {
    if (task_kind_of(task->definition->type)->worker) {
        if (task->row.status != API_TASK_SCHEDULED) {
            TRY(task_move(task, API_TASK_SCHEDULED));
        }
        TRY(queue_enter(task, task->workflow->decision->now.ms + callback_s * 1000));
    } else {
        if (task->row.status == API_TASK_SCHEDULED) {
            TRY(task_move(task, API_TASK_IN_PROGRESS));
        }
        TRY(queue_leave(task)); // whoever says so has taken it over
    }
    timer_arm(task);
    return ERR_NONE;
}

static void set_worker(struct task *task, bytes worker) {
    task->row.worker = worker;
    task->row.flags &= ~(uint32_t)TASK_HAS_WORKER;
    if (worker.data != NULL) {
        task->row.flags |= TASK_HAS_WORKER;
    }
    task->dirty = true;
}

static void drop_oldest_log(struct task *task) {
    struct workflow *workflow = task->workflow;
    struct decision *decision = workflow->decision;
    check(task->row.log_first < task->row.log_next);
    struct key key = key_log(workflow->id, workflow->row.run, task->number, task->row.log_first++);
    struct log_row row = {0};
    if (!err_is(row_get(decision->txn, &key, &log_row_record, decision->arena, &row))) {
        check(row.text.size <= task->row.log_bytes);
        task->row.log_bytes -= (uint32_t)row.text.size;
    }
    store_txn_del(decision->txn, key_bytes(&key));
}
