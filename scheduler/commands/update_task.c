// T-3, T-4: a worker's result (engine.md §6.2, rest-api.md §7.2).
#include "proto/json/json.h"
#include "proto/limits.h"
#include "scheduler/commands/commands.h"
#include "scheduler/decider.h"
#include "scheduler/queue.h"
#include "scheduler/timer.h"
#include "scheduler/update.h"

static err open_task(
    struct decision *decision,
    const struct api_task_result *result,
    struct workflow **out_workflow,
    struct task **out_task
);
static err apply(struct task *task, const struct api_task_result *result);
static err add_logs(struct task *task, bytes logs);
static void describe_next(
    const struct task *task, const struct api_task_result *result, struct next_poll *out_next
);

err update_task(
    struct decision *decision,
    const struct api_task_result *result,
    struct reply *out_reply,
    struct next_poll *out_next
) {
    struct workflow *workflow = NULL;
    struct task *task = NULL;
    TRY(open_task(decision, result, &workflow, &task));
    if (result->extend_lease) {
        if (!task_is_terminal(task)) {
            task->row.update_ms = decision->now.ms;
            task->dirty = true;
            timer_arm(task);
        }
    } else if (result->status == API_RESULT_NONE) {
        return err_make(ERR_ILLEGAL_STATE, "the status of a task result is missing");
    } else if (!task_is_terminal(task) && !workflow_is_terminal(workflow)) {
        TRY(apply(task, result));
    }
    workflow_save(workflow);
    describe_next(task, result, out_next);
    *out_reply = (struct reply){.status = 200, .kind = REPLY_TEXT, .body = result->task_id};
    return ERR_NONE;
}

static err open_task(
    struct decision *decision,
    const struct api_task_result *result,
    struct workflow **out_workflow,
    struct task **out_task
) {
    if (!result->extend_lease) {
        id128 id;
        struct workflow_row row;
        if (!id_parse(result->workflow_instance_id, &id)) {
            return err_make(
                ERR_NOT_FOUND,
                arena_format(
                    decision->arena,
                    "No such workflow found by id: %.*s",
                    BYTES_ARG(result->workflow_instance_id)
                )
            );
        }
        TRY(workflow_read_row(decision, id, &row));
    }
    err error = task_open(decision, result->task_id, out_workflow, out_task);
    bool mismatch = !err_is(error) && !result->extend_lease &&
                    !bytes_equal((*out_workflow)->id_text, result->workflow_instance_id);
    if (error.code == ERR_NOT_FOUND || mismatch) {
        return err_make(
            ERR_NOT_FOUND,
            arena_format(
                decision->arena, "No such task found by id: %.*s", BYTES_ARG(result->task_id)
            )
        );
    }
    return error;
}

static err apply(struct task *task, const struct api_task_result *result) {
    struct update update = {
        .status = api_task_status_of_result(result->status),
        .reason = result->reason_for_incompletion,
        .worker = result->worker_id,
        .output = result->output_data.data != NULL ? result->output_data : JSON_EMPTY_OBJECT,
        .child = result->sub_workflow_id,
        .external_output = result->external_output_payload_storage_path,
        .callback_s = result->callback_after_seconds,
    };
    TRY(update_apply(task, &update));
    TRY(add_logs(task, result->logs));
    return decider_run(task->workflow);
}

static err add_logs(struct task *task, bytes logs) {
    if (logs.data == NULL || json_count(logs) == 0) {
        return ERR_NONE;
    }
    struct decision *decision = task->workflow->decision;
    void *items = NULL;
    size_t count = 0;
    TRY(api_read_list(&api_task_log_model, logs, decision->arena, &items, &count));
    const struct api_task_log *lines = items;
    for (size_t i = 0; i < count && i < LIMIT_LOGS_PER_UPDATE; i++) {
        if (lines[i].log.data != NULL) {
            int64_t time_ms = lines[i].created_time != 0 ? lines[i].created_time : decision->now.ms;
            update_add_log(task, lines[i].log, time_ms);
        }
    }
    return ERR_NONE;
}

static void describe_next(
    const struct task *task, const struct api_task_result *result, struct next_poll *out_next
) {
    *out_next = (struct next_poll){
        .poll = task_is_terminal(task) && !result->extend_lease,
        .queue = queue_name_of(task),
        .type = task_type_text(task->definition),
        .domain = task->row.domain,
        .worker = result->worker_id,
    };
}
