// T-7, T-8: the log of a task. A line for a task nobody knows is accepted and dropped.
#include "proto/json/json.h"
#include "proto/limits.h"
#include "scheduler/commands/commands.h"
#include "scheduler/update.h"
#include "storage/keys.h"

static err write_lines(struct task *task, bytes *out_json);

err add_task_log(struct decision *decision, bytes task_id, bytes text, struct reply *out_reply) {
    if (text.size == 0) {
        return err_make(ERR_ILLEGAL_STATE, "the log line is missing");
    }
    struct workflow *workflow = NULL;
    struct task *task = NULL;
    err error = task_open(decision, task_id, &workflow, &task);
    if (error.code != ERR_NOT_FOUND) {
        TRY(error);
        update_add_log(task, text, decision->now.ms);
        workflow_save(workflow);
    }
    *out_reply = (struct reply){.status = 200, .kind = REPLY_VOID};
    return ERR_NONE;
}

err get_task_logs(struct decision *decision, bytes task_id, struct reply *out_reply) {
    struct workflow *workflow = NULL;
    struct task *task = NULL;
    err error = task_open(decision, task_id, &workflow, &task);
    if (error.code != ERR_NOT_FOUND) {
        TRY(error);
    }
    if (err_is(error) || task->row.log_next == task->row.log_first) {
        *out_reply = (struct reply){.status = 204, .kind = REPLY_VOID};
        return ERR_NONE;
    }
    bytes json = BYTES_EMPTY;
    TRY(write_lines(task, &json));
    *out_reply = (struct reply){.status = 200, .kind = REPLY_JSON, .body = json};
    return ERR_NONE;
}

static err write_lines(struct task *task, bytes *out_json) {
    struct workflow *workflow = task->workflow;
    struct decision *decision = workflow->decision;
    SCOPED(buffer_deinit) struct buffer buffer;
    buffer_init(&buffer, LIMIT_REPLY_BYTES);
    struct json_writer writer = json_writer(&buffer);
    json_array_begin(&writer);
    for (uint32_t n = task->row.log_first; n < task->row.log_next; n++) {
        struct key key = key_log(workflow->id, workflow->row.run, task->number, n);
        struct log_row row = {0};
        TRY(row_get(decision->txn, &key, &log_row_record, decision->arena, &row));
        struct api_task_log line = {
            .log = row.text, .task_id = task_id_text(task), .created_time = row.time_ms};
        api_write(&api_task_log_model, &line, &writer);
    }
    json_array_end(&writer);
    TRY(buffer_status(&buffer));
    *out_json = arena_copy(decision->arena, buffer_bytes(&buffer));
    return ERR_NONE;
}
