// All timeouts of engine.md §4 as deadlines computed from the task row, with the corrections that
// chapter asks for: fired on time, the delay of a retry counted once, timers of HUMAN kept.
//
// A timeout whose policy is ALERT_ONLY does nothing visible, so it is no deadline at all.
// Timeouts run while a workflow is PAUSED, too: the clock of a lease does not stop for it, and the
// reference would act on them at the resume. What follows from them waits for the resume.
#include "scheduler/timer.h"

#include "proto/base/mutant.h"
#include "scheduler/queue.h"
#include "scheduler/tasks/kind.h"
#include "storage/keys.h"

static int64_t after(int64_t from_ms, int64_t seconds);
static int64_t earliest(const struct task *task);
static void
put(struct workflow *workflow,
    int64_t due_ms,
    enum timer_kind kind,
    uint32_t task_no,
    uint32_t generation);
static void
del(struct workflow *workflow,
    int64_t due_ms,
    enum timer_kind kind,
    uint32_t task_no,
    uint32_t generation);
static err time_out(struct task *task, enum task_deadline deadline);
static void word_timeout(struct task *task, enum task_deadline deadline);

int64_t timer_deadline(const struct task *task, enum task_deadline deadline) {
    const struct task_row *row = &task->row;
    const struct api_task_definition *definition = &task->definition->task_definition;
    bool has = task->definition->has_task_definition;
    bool alerts = has && definition->timeout_policy == API_TASK_TIMEOUT_ALERT_ONLY;
    switch (deadline) {
    case DEADLINE_TOTAL:
        return has && !alerts && definition->total_timeout_seconds > 0
                   ? after(row->first_scheduled_ms, definition->total_timeout_seconds)
                   : TIMER_NEVER;
    case DEADLINE_TASK:
        return has && !alerts && definition->timeout_seconds > 0 && row->start_ms > 0
                   ? after(row->start_ms, definition->timeout_seconds)
                   : TIMER_NEVER;
    case DEADLINE_POLL:
        if (!has || alerts || row->status != API_TASK_SCHEDULED ||
            definition->poll_timeout_seconds.value <= 0) {
            return TIMER_NEVER;
        }
        // Until its first poll from when it became available; afterwards engine.md §4, notes.
        return row->poll_count == 0
                   ? after(row->ready_ms, definition->poll_timeout_seconds.value)
                   : after(
                         row->scheduled_ms, definition->poll_timeout_seconds.value + row->callback_s
                     );
    case DEADLINE_RESPONSE:
        if (!has || row->status != API_TASK_IN_PROGRESS ||
            definition->response_timeout_seconds <= 0 || (row->flags & TASK_AWAITS_UPDATE) != 0 ||
            task->definition->type == TASK_TYPE_SUB_WORKFLOW) {
            return TIMER_NEVER;
        }
        // An open-ended WAIT shows a callback of for ever; its response is due all the same.
        return after(
            row->update_ms,
            definition->response_timeout_seconds +
                (row->callback_s >= INT32_MAX ? 0 : row->callback_s)
        );
    case DEADLINE_READY:
        return row->place == TASK_PLACE_DELAYED ||
                       (row->status == API_TASK_SCHEDULED && row->place == TASK_PLACE_NONE &&
                        row->ready_ms > 0)
                   ? row->ready_ms
                   : TIMER_NEVER;
    case DEADLINE_WAIT:
        return row->wait_ms > 0 ? row->wait_ms : TIMER_NEVER;
    case DEADLINE_CALL:
        return row->place == TASK_PLACE_CLAIMED && row->lease_ms > 0 ? row->lease_ms : TIMER_NEVER;
    case DEADLINE_COUNT:
        break;
    }
    return TIMER_NEVER;
}

void timer_arm(struct task *task) {
    int64_t due_ms = task_is_terminal(task) ? TIMER_NEVER : earliest(task);
    if (due_ms == TIMER_NEVER) {
        timer_disarm(task);
        return;
    }
    if (task->row.timer_due_ms != 0 && task->row.timer_due_ms <= due_ms) {
        return;
    }
    timer_disarm(task);
    task->row.timer_due_ms = due_ms;
    task->row.timer_generation++;
    task->dirty = true;
    put(task->workflow, due_ms, TIMER_TASK, task->number, task->row.timer_generation);
}

void timer_disarm(struct task *task) {
    if (task->row.timer_due_ms == 0) {
        return;
    }
    del(task->workflow, task->row.timer_due_ms, TIMER_TASK, task->number, task->row.timer_generation
    );
    task->row.timer_due_ms = 0;
    task->dirty = true;
}

void timer_arm_workflow(struct workflow *workflow) {
    const struct api_workflow_definition *definition = &workflow->definition->model;
    timer_disarm_workflow(workflow);
    if (definition->timeout_seconds <= 0 ||
        definition->timeout_policy != API_WORKFLOW_TIMEOUT_TIME_OUT_WF) {
        return;
    }
    int64_t from_ms =
        workflow->row.last_retried_ms > 0 ? workflow->row.last_retried_ms : workflow->row.create_ms;
    workflow->row.timer_due_ms = after(from_ms, definition->timeout_seconds);
    workflow->row.timer_generation++;
    workflow->dirty = true;
    put(workflow, workflow->row.timer_due_ms, TIMER_WORKFLOW, 0, workflow->row.timer_generation);
}

void timer_disarm_workflow(struct workflow *workflow) {
    if (workflow->row.timer_due_ms == 0) {
        return;
    }
    del(workflow, workflow->row.timer_due_ms, TIMER_WORKFLOW, 0, workflow->row.timer_generation);
    workflow->row.timer_due_ms = 0;
    workflow->dirty = true;
}

void timer_continue(struct workflow *workflow) {
    if (workflow->row.continue_due_ms != 0) {
        return;
    }
    workflow->row.continue_due_ms = workflow->decision->now.ms;
    workflow->row.continue_generation++;
    workflow->dirty = true;
    put(workflow,
        workflow->row.continue_due_ms,
        TIMER_CONTINUE,
        0,
        workflow->row.continue_generation);
}

void timer_disarm_continue(struct workflow *workflow) {
    if (workflow->row.continue_due_ms == 0) {
        return;
    }
    del(workflow,
        workflow->row.continue_due_ms,
        TIMER_CONTINUE,
        0,
        workflow->row.continue_generation);
    workflow->row.continue_due_ms = 0;
    workflow->dirty = true;
}

void timer_sweep(struct decision *decision, id128 workflow, uint32_t run) {
    struct key key = key_timer(decision->now.ms, TIMER_SWEEP, workflow, run, 0);
    store_txn_put(decision->txn, key_bytes(&key), BYTES_LITERAL(""));
}

err timer_fire_task(struct task *task) {
    int64_t now_ms = task->workflow->decision->now.ms;
    for (int deadline = 0; deadline < DEADLINE_COUNT; deadline++) {
        if (task_is_terminal(task)) {
            return ERR_NONE;
        }
        if (timer_deadline(task, (enum task_deadline)deadline) > now_ms) {
            continue;
        }
        switch ((enum task_deadline)deadline) {
        case DEADLINE_TOTAL:
        case DEADLINE_TASK:
        case DEADLINE_POLL:
        case DEADLINE_RESPONSE:
            TRY(time_out(task, (enum task_deadline)deadline));
            break;
        case DEADLINE_READY:
        case DEADLINE_WAIT:
        case DEADLINE_CALL:
            TRY(task_kind_of(task->definition->type)->wake(task));
            break;
        case DEADLINE_COUNT:
            break;
        }
    }
    if (task->row.place != TASK_PLACE_CLAIMED || !mutant_is("lease_timer_not_rearmed")) {
        timer_arm(task);
    }
    return ERR_NONE;
}

void timer_fire_workflow(struct workflow *workflow) {
    const struct api_workflow_definition *definition = &workflow->definition->model;
    int64_t from_ms =
        workflow->row.last_retried_ms > 0 ? workflow->row.last_retried_ms : workflow->row.create_ms;
    const char *text = arena_format(
        workflow->decision->arena,
        "Workflow timed out after %lld seconds. Timeout configured as %lld seconds. Timeout policy "
        "configured to %s",
        (long long)((workflow->decision->now.ms - from_ms) / 1000),
        (long long)definition->timeout_seconds,
        api_workflow_timeout_policy_text(definition->timeout_policy)
    );
    workflow_want_end(workflow, API_WORKFLOW_TIMED_OUT, bytes_from_text(text), NULL);
}

static err time_out(struct task *task, enum task_deadline deadline) {
    word_timeout(task, deadline);
    TRY(sub_workflow_abandon(task, task->row.reason));
    TRY(task_move(task, API_TASK_TIMED_OUT));
    // engine.md §4: a missing response always goes to the retries, the others by policy.
    if (deadline != DEADLINE_RESPONSE &&
        task->definition->task_definition.timeout_policy != API_TASK_TIMEOUT_RETRY) {
        workflow_want_end(task->workflow, API_WORKFLOW_TIMED_OUT, task->row.reason, task);
    }
    return ERR_NONE;
}

static void word_timeout(struct task *task, enum task_deadline deadline) {
    const struct api_task_definition *definition = &task->definition->task_definition;
    const char *policy = api_task_timeout_policy_text(definition->timeout_policy);
    int64_t now_ms = task->workflow->decision->now.ms;
    bytes id = task_id_text(task);
    if (deadline == DEADLINE_TOTAL) {
        task_format_reason(
            task,
            "Task %.*s/%.*s exceeded total timeout of %lld seconds (elapsed %lld seconds across "
            "all "
            "attempts including retry delays). Timeout policy: %s",
            BYTES_ARG(definition->name),
            BYTES_ARG(id),
            (long long)definition->total_timeout_seconds,
            (long long)((now_ms - task->row.first_scheduled_ms) / 1000),
            policy
        );
    } else if (deadline == DEADLINE_TASK) {
        task_format_reason(
            task,
            "Task timed out after %lld seconds. Timeout configured as %lld seconds. Timeout policy "
            "configured to %s",
            (long long)((now_ms - task->row.start_ms) / 1000),
            (long long)definition->timeout_seconds,
            policy
        );
    } else if (deadline == DEADLINE_POLL) {
        task_format_reason(
            task,
            "Task poll timed out after %lld seconds. Poll timeout configured as %lld seconds. "
            "Timeout policy configured to %s",
            (long long)((now_ms - task->row.scheduled_ms) / 1000),
            (long long)definition->poll_timeout_seconds.value,
            policy
        );
    } else {
        task_format_reason(
            task,
            "responseTimeout: %lld exceeded for the taskId: %.*s with Task Definition: %.*s",
            (long long)definition->response_timeout_seconds,
            BYTES_ARG(id),
            BYTES_ARG(definition->name)
        );
    }
}

// Saturates: a timeout of 2^62 seconds is for ever.
static int64_t after(int64_t from_ms, int64_t seconds) {
    int64_t limit = (TIMER_NEVER - from_ms) / 1000;
    return seconds >= limit ? TIMER_NEVER : from_ms + seconds * 1000;
}

static int64_t earliest(const struct task *task) {
    int64_t due_ms = TIMER_NEVER;
    for (int deadline = 0; deadline < DEADLINE_COUNT; deadline++) {
        int64_t at_ms = timer_deadline(task, (enum task_deadline)deadline);
        due_ms = at_ms < due_ms ? at_ms : due_ms;
    }
    return due_ms;
}

static void
put(struct workflow *workflow,
    int64_t due_ms,
    enum timer_kind kind,
    uint32_t task_no,
    uint32_t generation) {
    struct key key = key_timer(due_ms, (uint8_t)kind, workflow->id, task_no, generation);
    store_txn_put(workflow->decision->txn, key_bytes(&key), BYTES_LITERAL(""));
}

static void
del(struct workflow *workflow,
    int64_t due_ms,
    enum timer_kind kind,
    uint32_t task_no,
    uint32_t generation) {
    struct key key = key_timer(due_ms, (uint8_t)kind, workflow->id, task_no, generation);
    store_txn_del(workflow->decision->txn, key_bytes(&key));
}
