// A retry is decided in the same step as the failure, so nothing – a JOIN above all – can look in
// between (engine.md §16, 2).
#include "scheduler/retry.h"

#include "proto/base/mutant.h"
#include "proto/json/json.h"
#include "scheduler/context.h"
#include "scheduler/failed.h"
#include "scheduler/tasks/kind.h"

static int64_t limit_of(const struct task *task);
static bool budget_is_spent(const struct task *task);
static void end_for_budget(struct task *task);
static void end_for_failure(struct task *task);
static int64_t delay_seconds(const struct task *task);
static err attempt(struct schedule *schedule, struct task *failed);
static err input_again(struct task *failed, struct task *task);
static void succeed(const struct task *old, struct task *task);

err retry_settle(struct schedule *schedule, struct task *task, bool *out_retried) {
    struct workflow *workflow = schedule->workflow;
    *out_retried = false;
    bool may = api_task_status_is_retriable(task_status(task)) &&
               !task_kind_of(task->definition->type)->never_retried &&
               limit_of(task) > (int64_t)task->row.retry_count;
    if (may && !budget_is_spent(task)) {
        TRY(failed_note(task));
        *out_retried = true;
        return attempt(schedule, task);
    }
    if (may) {
        TRY(failed_note(task));
        end_for_budget(task);
        return ERR_NONE;
    }
    if (task->definition->model.optional) {
        return task_move(task, API_TASK_COMPLETED_WITH_ERRORS);
    }
    TRY(failed_note(task));
    if (task->definition->model.permissive) {
        workflow_list_add(workflow, &workflow->row.permissive, task->number);
        return ERR_NONE;
    }
    end_for_failure(task);
    return ERR_NONE;
}

err retry_again(struct schedule *schedule, struct task *old) {
    struct workflow *workflow = schedule->workflow;
    enum definition_task_type type = old->definition->type;
    if (type == TASK_TYPE_SWITCH || type == TASK_TYPE_DECISION || type == TASK_TYPE_FORK_JOIN ||
        type == TASK_TYPE_FORK_JOIN_DYNAMIC) {
        uint32_t at = schedule->count;
        schedule->scope = schedule_scope_of(old);
        TRY(task_kind_of(type)->map(schedule, old->definition));
        if (!workflow->ending.wanted) {
            succeed(old, schedule->items[at]);
        }
    } else {
        struct task *task = task_new_attempt(old, API_TASK_SCHEDULED);
        succeed(old, task);
        task->row.domain = old->row.domain;
        task->row.flags |= old->row.flags & TASK_HAS_DOMAIN;
        task->keeps_domain = true;
        task->row.ready_ms = workflow->decision->now.ms;
        TRY(input_again(old, task));
        schedule_add(schedule, task);
    }
    old->row.flags |= TASK_RETRIED | TASK_EXECUTED;
    old->dirty = true;
    return ERR_NONE;
}

static void succeed(const struct task *old, struct task *task) {
    task->row.retried_task = old->row.id;
    task->row.retry_count = mutant_is("retry_forgets_attempt") ? 0 : old->row.retry_count + 1;
    task->row.first_scheduled_ms = old->row.first_scheduled_ms;
    task->row.wait_ms = old->row.wait_ms;
}

static int64_t limit_of(const struct task *task) {
    if (!task->definition->has_task_definition) {
        return 0;
    }
    int64_t limit = task->definition->model.retry_count.present
                        ? task->definition->model.retry_count.value
                        : task->definition->task_definition.retry_count;
    return mutant_is("retry_once_more") ? limit + 1 : limit;
}

// engine.md §3.3
static bool budget_is_spent(const struct task *task) {
    int64_t budget_s = task->definition->task_definition.total_timeout_seconds;
    int64_t elapsed_ms = task->workflow->decision->now.ms - task->row.first_scheduled_ms;
    return budget_s > 0 && elapsed_ms / 1000 >= budget_s;
}

static void end_for_budget(struct task *task) {
    struct workflow *workflow = task->workflow;
    int64_t elapsed_ms = workflow->decision->now.ms - task->row.first_scheduled_ms;
    bytes id = task_id_text(task);
    const char *text = arena_format(
        workflow->decision->arena,
        "Task %.*s/%.*s exceeded total timeout of %lld seconds (elapsed %lld seconds across all "
        "attempts). No further retries will be attempted.",
        BYTES_ARG(id),
        BYTES_ARG(task->definition->task_definition.name),
        (long long)task->definition->task_definition.total_timeout_seconds,
        (long long)(elapsed_ms / 1000)
    );
    workflow_want_end(
        workflow,
        task->row.status == API_TASK_TIMED_OUT ? API_WORKFLOW_TIMED_OUT : API_WORKFLOW_FAILED,
        bytes_from_text(text),
        task
    );
}

static void end_for_failure(struct task *task) {
    struct workflow *workflow = task->workflow;
    enum api_workflow_status status = API_WORKFLOW_FAILED;
    if (task->row.status == API_TASK_CANCELED) {
        status = API_WORKFLOW_TERMINATED;
    } else if (task->row.status == API_TASK_TIMED_OUT) {
        status = API_WORKFLOW_TIMED_OUT;
    }
    bytes id = task_id_text(task);
    bytes reason = (task->row.flags & TASK_HAS_REASON) != 0 ? task->row.reason : JSON_NULL_TEXT;
    const char *text = arena_format(
        workflow->decision->arena,
        "Task %.*s failed with status: %s and reason: '%.*s'",
        BYTES_ARG(id),
        api_workflow_status_text(status),
        BYTES_ARG(reason)
    );
    workflow_want_end(workflow, status, bytes_from_text(text), task);
}

// engine.md §3.2: 32-bit arithmetic of the reference, which overflows to its largest number.
static int64_t delay_seconds(const struct task *task) {
    const struct api_task_definition *definition = &task->definition->task_definition;
    int64_t delay = definition->retry_delay_seconds;
    int64_t count = task->row.retry_count;
    if (definition->retry_logic == API_RETRY_LINEAR_BACKOFF) {
        int64_t scaled = delay * definition->backoff_scale_factor;
        delay = scaled > INT32_MAX ? INT32_MAX : scaled * (count + 1);
    } else if (definition->retry_logic == API_RETRY_EXPONENTIAL_BACKOFF) {
        for (int64_t i = 0; i < count && delay > 0 && delay <= INT32_MAX; i++) {
            delay *= 2;
        }
    }
    delay = delay > INT32_MAX || delay < 0 ? INT32_MAX : delay;
    int64_t cap = definition->max_retry_delay_seconds;
    return cap > 0 && delay > cap ? cap : delay;
}

// engine.md §3.4
static err attempt(struct schedule *schedule, struct task *failed) {
    struct workflow *workflow = schedule->workflow;
    const struct task_kind *kind = task_kind_of(failed->definition->type);
    struct task *task = task_new_attempt(failed, API_TASK_SCHEDULED);
    succeed(failed, task);
    if ((failed->row.flags & TASK_HAS_REASON) != 0) {
        task_set_reason(task, failed->row.reason);
    }
    int64_t delay_s = delay_seconds(failed);
    task->row.start_delay_s = delay_s;
    task->row.callback_s = delay_s;
    if (kind->worker || kind->called || failed->definition->type == TASK_TYPE_SUB_WORKFLOW) {
        int64_t jitter = failed->definition->task_definition.backoff_jitter_ms;
        int64_t jitter_ms =
            jitter > 0 ? (int64_t)random_below(workflow->decision->random, (uint64_t)jitter + 1)
                       : 0;
        task->row.ready_ms = workflow->decision->now.ms + delay_s * 1000 + jitter_ms;
    }
    failed->row.flags |= TASK_RETRIED;
    failed->dirty = true;
    TRY(input_again(failed, task));
    schedule_add(schedule, task);
    return ERR_NONE;
}

// The old input with the definition's parameters evaluated again and laid over it.
static err input_again(struct task *failed, struct task *task) {
    struct workflow *workflow = task->workflow;
    const struct task_kind *kind = task_kind_of(task->definition->type);
    bytes old = BYTES_EMPTY;
    TRY(payload_load(workflow, task_input(failed), &old));
    struct context_options options = {
        .task_id = kind->knows_task_id ? task_id_text(task) : BYTES_EMPTY,
        .with_template = kind->with_template,
    };
    bytes fresh = BYTES_EMPTY;
    TRY(context_task_input(workflow, task->definition, &options, &fresh));
    if (json_equal(old, fresh) || json_count(fresh) == 0) {
        task->row.input_blob = failed->row.input_blob;
        task->row.input_bytes = failed->row.input_bytes;
        return ERR_NONE;
    }
    schedule_input(task, json_merge(old, fresh, workflow->decision->arena));
    return ERR_NONE;
}
