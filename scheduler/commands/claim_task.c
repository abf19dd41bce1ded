// Hands one ready task to a worker (engine.md §6.1): IN_PROGRESS, Q row gone, lease timer set.
#include "proto/base/mutant.h"
#include "scheduler/commands/commands.h"
#include "scheduler/limit.h"
#include "scheduler/queue.h"
#include "scheduler/timer.h"
#include "scheduler/view.h"
#include "storage/keys.h"

static err assign(struct task *task, const struct claim_task *command);

err claim_task(
    struct decision *decision,
    const struct claim_task *command,
    struct reply *out_reply,
    struct task_claim *out_claim
) {
    struct task *task = NULL;
    TRY(queue_find(decision, command->queue_key, &task));
    if (task == NULL || task->is_closing) {
        return err_make(ERR_NOT_FOUND, "the task is not to be had any more");
    }
    bool admits = false;
    int64_t until_ms = 0;
    TRY(limit_admits(task, command->wanted, &admits, &until_ms));
    if (!admits) {
        *out_claim = (struct task_claim){.limit_hash = limit_hash(task), .until_ms = until_ms};
        return err_make(ERR_UNAVAILABLE, "a limit of the task's definition is reached");
    }
    TRY(assign(task, command));
    workflow_save(task->workflow);
    bytes json = BYTES_EMPTY;
    TRY(view_task_for_worker(task, &json));
    *out_reply = (struct reply){.status = 200, .kind = REPLY_JSON, .body = json};
    *out_claim = (struct task_claim){
        .workflow = task->workflow->id,
        .run = task->workflow->row.run,
        .task_no = task->number,
        .poll_count = task->row.poll_count,
        .update_ms = task->row.update_ms,
    };
    return ERR_NONE;
}

static err assign(struct task *task, const struct claim_task *command) {
    int64_t now_ms = task->workflow->decision->now.ms;
    if (task->row.place == TASK_PLACE_READY) {
        struct key key = queue_key_of(task);
        bytes value = BYTES_EMPTY;
        TRY(store_txn_get(task->workflow->decision->txn, key_bytes(&key), &value));
        value = arena_copy(task->workflow->decision->arena, value);
        TRY(queue_claim(task));
        if (mutant_is("double_claim")) {
            store_txn_put(task->workflow->decision->txn, key_bytes(&key), value);
        }
        TRY(task_move(task, API_TASK_IN_PROGRESS));
    }
    task->row.start_ms = task->row.start_ms == 0 ? now_ms : task->row.start_ms;
    task->row.update_ms = now_ms;
    task->row.callback_s = 0;
    task->row.poll_count++;
    task->row.executor = 0;
    task->row.lease_ms = 0;
    task->row.worker = command->worker;
    task->row.flags &= ~(uint32_t)TASK_HAS_WORKER;
    if (command->worker.data != NULL) {
        task->row.flags |= TASK_HAS_WORKER;
    }
    task->dirty = true;
    timer_arm(task);
    return ERR_NONE;
}
