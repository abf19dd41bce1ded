// A T row is due: if the state that wanted it still does, act; in any case the row goes
// (distributed.md §7). A firing is a command and an entry of its own, so it may decide.
#include "proto/base/mutant.h"
#include "scheduler/closing.h"
#include "scheduler/commands/commands.h"
#include "scheduler/decider.h"
#include "scheduler/permit.h"
#include "scheduler/staging.h"
#include "scheduler/sweep.h"
#include "scheduler/timer.h"
#include "storage/keys.h"

static err fire_task(struct workflow *workflow, const struct key_timer_parts *parts);
static bool is_current(int64_t due_ms, uint32_t wanted, uint32_t generation);

err fire_timer(struct decision *decision, bytes timer_key) {
    struct key_timer_parts parts;
    if (!key_timer_parse(timer_key, &parts)) {
        return err_make(ERR_CORRUPT, "not a timer's key");
    }
    bytes value = BYTES_EMPTY;
    err found = store_txn_get(decision->txn, timer_key, &value);
    if (found.code == ERR_NOT_FOUND && !mutant_is("timer_generation_ignored")) {
        return ERR_NONE;
    }
    if (found.code != ERR_NOT_FOUND) {
        TRY(found);
    }
    store_txn_del(decision->txn, timer_key);
    if (parts.kind == TIMER_SWEEP) {
        return sweep_rows(decision, parts.workflow, parts.task_no);
    }
    if (parts.kind == TIMER_LIMIT) {
        return permits_fire(decision, parts.workflow);
    }
    if (parts.kind == TIMER_STAGE) {
        return staging_expire(decision, &parts);
    }
    struct workflow *workflow = NULL;
    err opened = workflow_open_any(decision, parts.workflow, &workflow);
    if (opened.code == ERR_NOT_FOUND) {
        return ERR_NONE;
    }
    TRY(opened);
    struct workflow_row *row = &workflow->row;
    switch ((enum timer_kind)parts.kind) {
    case TIMER_TASK:
        TRY(fire_task(workflow, &parts));
        break;
    case TIMER_WORKFLOW:
        if (is_current(row->timer_due_ms, row->timer_generation, parts.generation)) {
            row->timer_due_ms = 0;
            workflow->dirty = true;
            timer_fire_workflow(workflow);
        }
        break;
    case TIMER_CONTINUE:
        if (is_current(row->continue_due_ms, row->continue_generation, parts.generation)) {
            row->continue_due_ms = 0;
            workflow->dirty = true;
        }
        break;
    case TIMER_SWEEP:
    case TIMER_LIMIT:
    case TIMER_STAGE:
        break;
    }
    TRY(decider_run(workflow));
    if ((row->flags & WORKFLOW_REMOVED) != 0 && !closing_is_due(workflow)) {
        return workflow_delete(workflow);
    }
    workflow_save(workflow);
    return ERR_NONE;
}

bool timer_may_evaluate(uint8_t kind) {
    return kind == TIMER_CONTINUE;
}

static err fire_task(struct workflow *workflow, const struct key_timer_parts *parts) {
    if (parts->task_no == 0 || parts->task_no >= workflow->row.next_task_no) {
        return ERR_NONE;
    }
    struct task *task = NULL;
    TRY(task_find(workflow, parts->task_no, &task));
    if (task == NULL ||
        !is_current(task->row.timer_due_ms, task->row.timer_generation, parts->generation)) {
        return ERR_NONE;
    }
    if (task_is_terminal(task)) {
        return task->is_closing && !mutant_is("closing_loses_timers") ? closing_cancel(task)
                                                                      : ERR_NONE;
    }
    task->row.timer_due_ms = 0;
    task->dirty = true;
    return timer_fire_task(task);
}

static bool is_current(int64_t due_ms, uint32_t wanted, uint32_t generation) {
    if (mutant_is("timer_generation_ignored")) {
        return true;
    }
    return due_ms != 0 && wanted == generation;
}
