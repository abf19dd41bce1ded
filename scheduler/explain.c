#include "scheduler/explain.h"

#include "proto/api/enums.h"
#include "proto/limits.h"
#include "scheduler/queue.h"
#include "scheduler/timer.h"
#include "storage/keys.h"

static bool has_row(struct decision *decision, const struct key *key) {
    bytes ignored = BYTES_EMPTY;
    return !err_is(store_txn_get(decision->txn, key_bytes(key), &ignored));
}

// --- timers
// -----------------------------------------------------------------------------------------------

static void timer_write(
    struct decision *decision, const struct key_timer_parts *timer, struct json_writer *writer
) {
    if (timer->due_ms == 0) {
        json_null(writer);
        return;
    }
    struct key key =
        key_timer(timer->due_ms, timer->kind, timer->workflow, timer->task_no, timer->generation);
    json_object_begin(writer);
    json_member_int(writer, "dueMs", timer->due_ms);
    json_member_int(writer, "inMs", timer->due_ms - decision->now.ms);
    json_member_int(writer, "generation", timer->generation);
    json_member_bool(writer, "missing", !has_row(decision, &key));
    json_object_end(writer);
}

static void header_write(struct workflow *workflow, struct json_writer *writer) {
    struct decision *decision = workflow->decision;
    const struct workflow_row *row = &workflow->row;
    const char *status = api_workflow_status_text(workflow_status(workflow));
    json_member_text(writer, "workflowType", row->name);
    json_member_text(writer, "status", bytes_from_text(status));
    json_member_int(writer, "run", row->run);
    json_member_int(writer, "revision", (int64_t)row->revision);
    json_member_int(writer, "updateMs", row->update_ms);
    json_member_int(writer, "openTasks", row->open_count);
    json_member_int(writer, "pendingTasks", row->pending.count);
    json_key(writer, "timeoutTimer");
    struct key_timer_parts timeout = {
        .due_ms = row->timer_due_ms,
        .kind = TIMER_WORKFLOW,
        .workflow = workflow->id,
        .generation = row->timer_generation,
    };
    timer_write(decision, &timeout, writer);
    json_key(writer, "continueTimer");
    struct key_timer_parts goes_on = {
        .due_ms = row->continue_due_ms,
        .kind = TIMER_CONTINUE,
        .workflow = workflow->id,
        .generation = row->continue_generation,
    };
    timer_write(decision, &goes_on, writer);
}

// --- tasks
// ------------------------------------------------------------------------------------------------

static void queue_write(struct task *task, struct json_writer *writer) {
    static const char *const places[] = {
        [TASK_PLACE_NONE] = "none",
        [TASK_PLACE_READY] = "ready",
        [TASK_PLACE_DELAYED] = "delayed",
        [TASK_PLACE_CLAIMED] = "claimed",
    };
    const struct task_row *row = &task->row;
    json_key(writer, "queue");
    if (row->place == TASK_PLACE_NONE || row->place > TASK_PLACE_CLAIMED) {
        json_null(writer);
        return;
    }
    struct key key = queue_key_of(task);
    json_object_begin(writer);
    json_member_text(writer, "name", queue_name_of(task));
    json_member_text(writer, "place", bytes_from_text(places[row->place]));
    json_member_int(writer, "priority", row->queue_priority);
    json_member_int(writer, "readyMs", row->ready_ms);
    json_member_int(writer, "sequence", (int64_t)row->queue_sequence);
    json_member_bool(
        writer,
        "missing",
        row->place == TASK_PLACE_READY && !has_row(task->workflow->decision, &key)
    );
    json_object_end(writer);
}

static void task_write(struct task *task, struct json_writer *writer) {
    const struct task_row *row = &task->row;
    json_object_begin(writer);
    json_member_text(writer, "referenceTaskName", row->reference);
    json_member_text(writer, "taskType", task_type_text(task->definition));
    json_member_text(writer, "taskId", task_id_text(task));
    json_member_text(writer, "status", bytes_from_text(api_task_status_text(task_status(task))));
    json_member_int(writer, "retryCount", row->retry_count);
    json_member_int(writer, "pollCount", row->poll_count);
    if ((row->flags & TASK_HAS_WORKER) != 0) {
        json_member_text(writer, "workerId", row->worker);
    }
    if (row->child.size > 0) {
        json_member_text(writer, "subWorkflowId", row->child);
    }
    queue_write(task, writer);
    json_key(writer, "timer");
    struct key_timer_parts timer = {
        .due_ms = row->timer_due_ms,
        .kind = TIMER_TASK,
        .workflow = task->workflow->id,
        .task_no = task->number,
        .generation = row->timer_generation,
    };
    timer_write(task->workflow->decision, &timer, writer);
    json_object_end(writer);
}

static err tasks_write(struct workflow *workflow, struct json_writer *writer) {
    struct task **tasks = NULL;
    uint32_t count = 0;
    uint32_t shown = 0;
    TRY(task_list(workflow, &tasks, &count));
    json_key(writer, "tasks");
    json_array_begin(writer);
    for (uint32_t i = 0; i < count && shown < LIMIT_EXPLAIN_ROWS; i++) {
        if (!task_is_terminal(tasks[i])) {
            task_write(tasks[i], writer);
            shown++;
        }
    }
    json_array_end(writer);
    return ERR_NONE;
}

// --- messages
// ---------------------------------------------------------------------------------------------

static const char *message_text(uint8_t kind) {
    static const char *const texts[] = {
        [MESSAGE_START_CHILD] = "start child",
        [MESSAGE_CHILD_DONE] = "child done",
        [MESSAGE_TERMINATE_CHILD] = "terminate child",
        [MESSAGE_START_FAILURE] = "start failure workflow",
        [MESSAGE_REVIVE_PARENT] = "revive parent",
        [MESSAGE_RESUME_CHILD] = "resume child",
        [MESSAGE_CHECK_CHILD] = "check child",
    };
    bool known = kind < sizeof(texts) / sizeof(texts[0]) && texts[kind] != NULL;
    return known ? texts[kind] : "permits";
}

static void message_write(
    struct decision *decision,
    const struct key_outbox_parts *at,
    const struct message_row *row,
    struct json_writer *writer
) {
    json_object_begin(writer);
    json_member_int(writer, "toPartition", at->destination);
    json_member_int(writer, "sequence", (int64_t)at->sequence);
    json_member_text(writer, "message", bytes_from_text(message_text(row->kind)));
    json_member_text(writer, "workflowId", workflow_id_text(decision, row->workflow));
    json_object_end(writer);
}

// The outbox is short unless another partition is away; then its first rows are looked at.
static err messages_write(struct workflow *workflow, struct json_writer *writer) {
    struct decision *decision = workflow->decision;
    struct key prefix = key_kind_prefix(KEY_OUTBOX);
    struct store_cursor *cursor = store_cursor_open(
        decision->store, decision->txn, store_txn_group(decision->txn), key_bytes(&prefix)
    );
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    struct key_outbox_parts at;
    uint32_t looked = 0;
    err error = ERR_NONE;
    json_key(writer, "messages");
    json_array_begin(writer);
    while (!err_is(error) && looked++ < LIMIT_EXPLAIN_MESSAGES &&
           store_cursor_next(cursor, &key, &value) && key_outbox_parse(key, &at)) {
        struct message_row row = {0};
        error = wire_decode(&message_row_record, value, decision->arena, &row);
        if (!err_is(error) &&
            (id_equal(row.workflow, workflow->id) || id_equal(row.parent, workflow->id))) {
            message_write(decision, &at, &row, writer);
        }
    }
    json_array_end(writer);
    store_cursor_close(&cursor);
    return error;
}

err explain_workflow(struct decision *decision, bytes workflow_id, struct json_writer *writer) {
    struct workflow *workflow = NULL;
    TRY(workflow_open(decision, workflow_id, &workflow));
    header_write(workflow, writer);
    TRY(tasks_write(workflow, writer));
    return messages_write(workflow, writer);
}
