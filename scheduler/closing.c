// Tasks are found by a walk over their numbers: an end happens once, and a list of open tasks in
// the header would be rewritten at every step for it. The walk stops when all were seen.
//
// Rejected: canceling a task when it is read next. A read would then write, and what nobody reads –
// a place in a queue, a child – would stay.
#include "scheduler/closing.h"

#include "proto/base/mutant.h"
#include "scheduler/tasks/kind.h"
#include "scheduler/timer.h"
#include "storage/keys.h"

static err cancel_some(struct workflow *workflow, bool all);
static err cancel(struct task *task);
static err leave_output(struct task *task);
static void show_as_it_is(struct task *task);
static err recall_cause(struct workflow *workflow);

err closing_begin(struct workflow *workflow) {
    workflow->row.closing_ms = workflow->decision->now.ms;
    workflow->row.closing_next = workflow->row.first_task_no;
    TRY(cancel_some(workflow, mutant_is("end_in_one_entry")));
    if (closing_is_due(workflow)) {
        // What was not reached is shown as canceled from here on, and must be written before.
        workflow_save(workflow);
        timer_continue(workflow);
    }
    return ERR_NONE;
}

bool closing_is_due(const struct workflow *workflow) {
    return workflow->row.closing_next != 0;
}

err closing_go_on(struct workflow *workflow) {
    TRY(recall_cause(workflow));
    TRY(cancel_some(workflow, false));
    if (closing_is_due(workflow)) {
        timer_continue(workflow);
    }
    return ERR_NONE;
}

err closing_finish(struct workflow *workflow) {
    if (!closing_is_due(workflow)) {
        return ERR_NONE;
    }
    TRY(recall_cause(workflow));
    TRY(cancel_some(workflow, true));
    timer_disarm_continue(workflow);
    return ERR_NONE;
}

err closing_cancel(struct task *task) {
    struct workflow_row *row = &task->workflow->row;
    uint32_t number = row->closing_next;
    uint32_t pending_count = row->pending.count;
    check(task->is_closing);
    TRY(recall_cause(task->workflow));
    row->closing_next = 0; // tasks are read as they are
    show_as_it_is(task);
    TRY(cancel(task));
    row->pending.count = pending_count; // nobody follows it up
    row->closing_next = row->open_count > 0 ? number : 0;
    task->workflow->dirty = true;
    return ERR_NONE;
}

void closing_show(struct task *task) {
    const struct workflow_row *row = &task->workflow->row;
    if (row->closing_next == 0 || task->number < row->closing_next || task_is_terminal(task) ||
        task->dirty || mutant_is("closing_not_shown")) {
        return;
    }
    task->is_closing = true;
    task->open_status = task->row.status;
    task->row.status = API_TASK_CANCELED;
    task->row.end_ms = row->closing_ms;
}

err closing_output(struct task *task, bytes *out_json) {
    const struct task_kind *kind = task_kind_of(task->definition->type);
    TRY(recall_cause(task->workflow));
    err error = ERR_NONE;
    if (kind->leaves != NULL) {
        error = kind->leaves(task, out_json);
    }
    return kind->leaves == NULL || error.code == ERR_TOO_LARGE
               ? payload_load(task->workflow, task_output(task), out_json)
               : error;
}

static void show_as_it_is(struct task *task) {
    if (task->is_closing) {
        task->is_closing = false;
        task->row.status = task->open_status;
        task->row.end_ms = 0;
    }
}

// What a loop that is canceled makes of its output depends on why its workflow ended.
static err recall_cause(struct workflow *workflow) {
    struct decision *decision = workflow->decision;
    struct key key = key_task_id(workflow->row.failed_task);
    struct task_place_row place = {0};
    if (workflow->ending.task != NULL || id_is_zero(workflow->row.failed_task)) {
        return ERR_NONE;
    }
    err error = row_get(decision->txn, &key, &task_place_row_record, decision->arena, &place);
    if (error.code == ERR_NOT_FOUND) {
        return ERR_NONE;
    }
    TRY(error);
    return task_find(workflow, place.task_no, &workflow->ending.task);
}

static err cancel_some(struct workflow *workflow, bool all) {
    struct workflow_row *row = &workflow->row;
    uint32_t number = row->closing_next;
    uint32_t pending_count = row->pending.count;
    row->closing_next = 0; // tasks are read as they are
    while (row->open_count > 0 && (all || !workflow_is_over_bounds(workflow))) {
        check(number < row->next_task_no);
        struct task *task = NULL;
        TRY(task_find(workflow, number++, &task));
        workflow->handled_count++;
        if (task != NULL) {
            show_as_it_is(task);
        }
        if (task != NULL && !task_is_terminal(task)) {
            TRY(cancel(task));
        }
        row->pending.count = pending_count; // nobody follows them up
        workflow_save_now_and_then(workflow);
    }
    row->closing_next = row->open_count > 0 ? number : 0;
    workflow->dirty = true;
    return ERR_NONE;
}

static err cancel(struct task *task) {
    const struct workflow_row *row = &task->workflow->row;
    bytes reason = (row->flags & WORKFLOW_HAS_REASON) != 0 ? row->reason : BYTES_EMPTY;
    const struct task_kind *kind = task_kind_of(task->definition->type);
    if (kind->cancel != NULL) {
        TRY(kind->cancel(task, reason));
    }
    if (kind->leaves != NULL) {
        TRY(leave_output(task));
    }
    task->row.end_ms = row->closing_ms;
    return task_move(task, API_TASK_CANCELED);
}

static err leave_output(struct task *task) {
    bytes output = BYTES_EMPTY;
    err error = task_kind_of(task->definition->type)->leaves(task, &output);
    if (error.code == ERR_TOO_LARGE) {
        return ERR_NONE;
    }
    TRY(error);
    if (!task_set_output(task, output)) {
        task_set_too_large(task, output.size);
    }
    return ERR_NONE;
}
