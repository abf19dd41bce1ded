// An ended workflow still says where it stood: tasks that are terminal and not `executed` were
// never followed up. Going on means to open again what is to run again, to put the rest of those
// back on the pending list, and to let the decider turn.
//
// Attempts that a newer one superseded carry TASK_RETRIED, so "the newest attempt of each
// reference" (the *Do* of engine.md §5.7) is a flag, not a map.
#include "scheduler/lifecycle.h"

#include "proto/base/mutant.h"
#include "scheduler/closing.h"
#include "scheduler/decider.h"
#include "scheduler/failed.h"
#include "scheduler/message.h"
#include "scheduler/queue.h"
#include "scheduler/rerun.h"
#include "scheduler/retry.h"
#include "scheduler/revival.h"
#include "scheduler/task.h"
#include "scheduler/tasks/kind.h"
#include "scheduler/timer.h"

#include <stdlib.h>
#include <string.h>

static err
keep_payload(struct workflow *workflow, uint32_t old_run, uint32_t *blob, uint32_t *size);
static bool is_retryable(const struct task *task);
static void recollect(const struct task *task);
static err retry_some(struct workflow *workflow, struct task **tasks, uint32_t count);
static err look_again(struct workflow *workflow);
static err has_permissive_failure(struct task *join, bool *out_has);
static bool retries_in_place(enum definition_task_type type);
static err retry_one(struct schedule *schedule, struct task *task, bool *out_reopened);

void lifecycle_reopen(struct workflow *workflow, bool forget_failures) {
    struct workflow_row *row = &workflow->row;
    check(!closing_is_due(workflow));
    workflow_move(workflow, API_WORKFLOW_RUNNING);
    row->reason = BYTES_EMPTY;
    row->flags &= ~(uint32_t)(WORKFLOW_HAS_REASON | WORKFLOW_ENDED_BY_PARENT | WORKFLOW_ARCHIVED);
    row->flags |= WORKFLOW_REVIVED;
    row->failed_task = (id128){{0}};
    row->end_ms = 0;
    row->last_retried_ms = workflow->decision->now.ms;
    if (forget_failures) {
        failed_forget(workflow);
    }
    timer_arm_workflow(workflow);
    workflow->dirty = true;
}

static void recollect(const struct task *task) {
    struct workflow *workflow = task->workflow;
    bool followed_up = (task->row.flags & (TASK_EXECUTED | TASK_RETRIED)) != 0;
    // A TERMINATE that stays ends whatever goes on beside it (engine.md §2.3).
    bool ends =
        task->definition->type == TASK_TYPE_TERMINATE && task->row.status == API_TASK_COMPLETED;
    if (task_is_terminal(task) && task->row.status != API_TASK_SKIPPED && (!followed_up || ends) &&
        !workflow_list_has(&workflow->row.pending, task->number)) {
        workflow_list_add(workflow, &workflow->row.pending, task->number);
    }
}

err lifecycle_new_run(struct workflow *workflow, bytes input) {
    struct workflow_row *row = &workflow->row;
    uint32_t old_run = row->run;
    check(workflow_is_terminal(workflow));
    workflow_save(workflow);
    row->run++;
    workflow->is_fresh = true;
    if (input.data == NULL) {
        TRY(keep_payload(workflow, old_run, &row->input_blob, &row->input_bytes));
    } else {
        struct payload stored = payload_store(workflow, input);
        row->input_blob = stored.blob;
        row->input_bytes = stored.bytes;
    }
    TRY(keep_payload(workflow, old_run, &row->output_blob, &row->output_bytes));
    TRY(keep_payload(workflow, old_run, &row->variables_blob, &row->variables_bytes));
    TRY(keep_payload(workflow, old_run, &row->domains_blob, &row->domains_bytes));
    workflow->slots = NULL;
    workflow->slot_count = 0;
    workflow->task_count = 0;
    memset(workflow->blueprints, 0, sizeof workflow->blueprints); // they are blobs of a run
    workflow->blueprint_count = 0;
    workflow->loop_list = (struct loop_list){0};
    row->first_task_no = row->next_task_no;
    row->next_seq = 1;
    row->pending.count = 0;
    row->permissive.count = 0;
    workflow->dirty = true;
    timer_sweep(workflow->decision, workflow->id, old_run);
    return ERR_NONE;
}

// A payload of the run before under a number of this one.
static err
keep_payload(struct workflow *workflow, uint32_t old_run, uint32_t *blob, uint32_t *size) {
    bytes json = BYTES_EMPTY;
    uint32_t run = workflow->row.run;
    workflow->row.run = old_run;
    err loaded = payload_load(workflow, (struct payload){*blob, *size}, &json);
    workflow->row.run = run;
    TRY(loaded);
    struct payload stored = payload_store(workflow, json);
    *blob = stored.blob;
    *size = stored.bytes;
    return ERR_NONE;
}

void lifecycle_clear(struct task *task) {
    struct task_row *row = &task->row;
    task_set_reason(task, BYTES_EMPTY);
    row->again++;
    row->output_blob = 0;
    row->output_bytes = 0;
    row->start_ms = 0;
    row->update_ms = 0;
    row->poll_count = 0;
    row->callback_s = 0;
    row->start_delay_s = 0;
    row->worker = BYTES_EMPTY;
    row->child = BYTES_EMPTY;
    row->external_output = BYTES_EMPTY;
    row->flags &= ~(uint32_t)(TASK_HAS_WORKER | TASK_CHILD_STARTED);
    row->scheduled_ms = task->workflow->decision->now.ms;
    row->ready_ms = row->scheduled_ms;
    task->dirty = true;
}

err lifecycle_begin_again(struct task *task) {
    const struct task_kind *kind = task_kind_of(task->definition->type);
    bool in_progress =
        kind->look != NULL || kind->expand != NULL; // they have no moment to wait for
    task_reopen(task, in_progress ? API_TASK_IN_PROGRESS : API_TASK_SCHEDULED);
    lifecycle_clear(task);
    if (!kind->worker) {
        task->row.start_ms = task->workflow->decision->now.ms;
    }
    if (kind->begin != NULL) {
        TRY(kind->begin(task));
    }
    timer_arm(task);
    return ERR_NONE;
}

err lifecycle_has_retryable(struct workflow *workflow, bool *out_has) {
    *out_has = false;
    for (uint32_t number = workflow->row.first_task_no;
         number < workflow->row.next_task_no && !*out_has;
         number++) {
        struct task *task = NULL;
        TRY(task_find(workflow, number, &task));
        *out_has = task != NULL && is_retryable(task);
    }
    return ERR_NONE;
}

static bool is_retryable(const struct task *task) {
    if (task->row.status == API_TASK_CANCELED && mutant_is("retry_leaves_canceled")) {
        return false;
    }
    return task_is_terminal(task) && !task_is_successful(task) &&
           (task->row.flags & TASK_RETRIED) == 0;
}

// --- step by step
// --------------------------------------------------------------------------------

err lifecycle_go_on(struct workflow *workflow) {
    struct workflow_row *row = &workflow->row;
    if ((row->flags & WORKFLOW_WANTS_RERUN) != 0) {
        return rerun_go_on(workflow);
    }
    bool retries = (row->flags & WORKFLOW_WANTS_RETRY) != 0;
    if (row->walk_next == 0) {
        row->walk_next = row->first_task_no;
        row->walk_until = row->next_task_no;
        row->pending.count = 0;
        row->looks.count = 0;
        workflow->dirty = true;
    }
    bool cut_off = mutant_is("retry_ends_with_its_slice") && row->walk_next > row->first_task_no;
    if (row->walk_next == row->walk_until || cut_off) {
        row->flags &= ~(uint32_t)(retries ? WORKFLOW_WANTS_RETRY : WORKFLOW_WANTS_REVIVAL);
        row->walk_next = 0;
        return look_again(workflow);
    }
    struct task **tasks = NULL;
    uint32_t count = 0;
    TRY(lifecycle_walk(workflow, &tasks, &count));
    TRY(retries ? retry_some(workflow, tasks, count) : revival_of_some(tasks, count));
    workflow_save_now_and_then(workflow);
    return ERR_NONE;
}

void lifecycle_forget_wishes(struct workflow *workflow) {
    struct workflow_row *row = &workflow->row;
    row->flags &= ~(uint32_t
    )(WORKFLOW_REVIVED | WORKFLOW_WANTS_RETRY | WORKFLOW_WANTS_REVIVAL | WORKFLOW_WANTS_RERUN);
    row->rerun_task = 0;
    row->walk_next = 0;
    row->walk_until = 0;
    row->looks.count = 0;
    workflow->dirty = true;
}

void lifecycle_take_note(struct task *task) {
    recollect(task);
    if (task_kind_of(task->definition->type)->look != NULL && !task_is_terminal(task) &&
        !workflow_list_has(&task->workflow->row.looks, task->number)) {
        workflow_list_add(task->workflow, &task->workflow->row.looks, task->number);
    }
}

static int by_sequence(const void *left, const void *right) {
    const struct task *const *a = left;
    const struct task *const *b = right;
    if ((*a)->row.seq != (*b)->row.seq) {
        return (*a)->row.seq < (*b)->row.seq ? -1 : 1;
    }
    return (*a)->number < (*b)->number ? -1 : (*a)->number > (*b)->number;
}

err lifecycle_walk(struct workflow *workflow, struct task ***out_tasks, uint32_t *out_count) {
    struct workflow_row *row = &workflow->row;
    struct task **tasks = ARENA_ARRAY(workflow->decision->arena, struct task *, LIMIT_WALK_SLICE);
    uint32_t most = workflow_tasks_max(workflow);
    uint32_t count = 0;
    most = most < LIMIT_WALK_SLICE ? most : LIMIT_WALK_SLICE;
    for (uint32_t i = 0; i < most && row->walk_next < row->walk_until; i++) {
        TRY(task_find(workflow, row->walk_next++, &tasks[count]));
        count += tasks[count] != NULL;
    }
    if (count > 1) {
        qsort(tasks, count, sizeof(struct task *), by_sequence);
    }
    workflow->handled_count += count;
    workflow->dirty = true;
    *out_tasks = tasks;
    *out_count = count;
    return ERR_NONE;
}

static err retry_some(struct workflow *workflow, struct task **tasks, uint32_t count) {
    struct schedule schedule = {.workflow = workflow};
    for (uint32_t i = 0; i < count && !workflow->ending.wanted; i++) {
        bool reopened = false;
        if (is_retryable(tasks[i])) {
            TRY(retry_one(&schedule, tasks[i], &reopened));
        }
        if (reopened) {
            lifecycle_take_note(tasks[i]);
        } else {
            recollect(tasks[i]);
        }
    }
    return workflow->ending.wanted ? ERR_NONE : decider_admit(&schedule);
}

// All that was to be retried or brought back is: whatever waits for tasks looks at them.
static err look_again(struct workflow *workflow) {
    struct wire_u32_list looks = workflow->row.looks;
    workflow->row.looks.count = 0;
    workflow->dirty = true;
    for (uint32_t i = 0; i < looks.count && !workflow->ending.wanted; i++) {
        struct task *task = NULL;
        TRY(task_load(workflow, looks.items[i], &task));
        if (!task_is_terminal(task)) {
            TRY(task_kind_of(task->definition->type)->look(task));
        }
        bool loops = task->definition->type == TASK_TYPE_DO_WHILE;
        if (loops && !task_is_terminal(task) && !workflow->ending.wanted) {
            TRY(do_while_resume(task));
        }
    }
    return ERR_NONE;
}

static err retry_one(struct schedule *schedule, struct task *task, bool *out_reopened) {
    enum definition_task_type type = task->definition->type;
    if (fork_has_more(task)) {
        return lifecycle_begin_again(task);
    }
    *out_reopened = retries_in_place(type);
    if (!*out_reopened) {
        return retry_again(schedule, task);
    }
    bool canceled = task->row.status == API_TASK_CANCELED;
    bool permissive = false;
    if (type == TASK_TYPE_JOIN || type == TASK_TYPE_EXCLUSIVE_JOIN) {
        TRY(has_permissive_failure(task, &permissive));
    }
    task_reopen(task, API_TASK_IN_PROGRESS);
    task_set_reason(task, BYTES_EMPTY);
    if (!canceled && !permissive) {
        task->row.retry_count++;
    }
    timer_arm(task);
    return ERR_NONE;
}

static bool retries_in_place(enum definition_task_type type) {
    return type == TASK_TYPE_JOIN || type == TASK_TYPE_EXCLUSIVE_JOIN || type == TASK_TYPE_DO_WHILE;
}

static err has_permissive_failure(struct task *join, bool *out_has) {
    bytes *references = NULL;
    uint32_t count = 0;
    TRY(join_references(join, &references, &count));
    *out_has = false;
    for (uint32_t i = 0; i < count && !*out_has; i++) {
        struct task *task = NULL;
        TRY(task_newest(join->workflow, references[i], &task, NULL));
        *out_has = task != NULL && task->row.status == API_TASK_FAILED &&
                   task->definition->model.permissive && !task->definition->model.optional;
    }
    return ERR_NONE;
}

err lifecycle_tell_parent(struct workflow *workflow, bytes verb) {
    const struct workflow_row *row = &workflow->row;
    if (id_is_zero(row->parent)) {
        return ERR_NONE;
    }
    struct message_row message = {
        .kind = MESSAGE_REVIVE_PARENT,
        .workflow = workflow->id,
        .parent = row->parent,
        .parent_task = row->parent_task,
        .parent_run = row->parent_run,
        .parent_task_no = row->parent_task_no,
        .parent_attempt = row->parent_attempt,
        .name = verb,
        .reason = workflow->id_text,
    };
    return message_send(
        workflow->decision, message_group_of(workflow->decision, row->parent), &message
    );
}

err lifecycle_check_ended(const struct workflow *workflow, const char *verb) {
    if (workflow_is_terminal(workflow)) {
        return ERR_NONE;
    }
    return err_make(
        ERR_CONFLICT,
        arena_format(
            workflow->decision->arena,
            "Workflow: %s.%s is not in terminal state, unable to %s.",
            workflow_short_text(workflow),
            api_workflow_status_text(workflow_status(workflow)),
            verb
        )
    );
}
