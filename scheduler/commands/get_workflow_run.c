// The answers of a synchronous start or signal: WorkflowRun, TaskRun (models.md §9).
#include "proto/json/json.h"
#include "proto/limits.h"
#include "scheduler/commands/commands.h"
#include "scheduler/view.h"

static void write_common(
    struct json_writer *writer, const struct workflow *workflow, const struct run_view *run
);
static void write_correlation(struct json_writer *writer, const struct workflow *workflow);
static err finish(struct decision *decision, struct buffer *buffer, struct reply *out_reply);
static err
write_workflow(struct workflow *workflow, const struct run_view *run, struct json_writer *writer);
static err write_task(struct task *task, const struct run_view *run, struct json_writer *writer);

err get_workflow_run(
    struct decision *decision,
    bytes workflow_id,
    const struct run_view *run,
    struct reply *out_reply
) {
    struct workflow *workflow = NULL;
    TRY(workflow_open(decision, workflow_id, &workflow));
    struct buffer buffer;
    buffer_init(&buffer, LIMIT_REPLY_BYTES);
    struct json_writer writer = json_writer(&buffer);
    err written = write_workflow(workflow, run, &writer);
    if (err_is(written)) {
        buffer_deinit(&buffer);
        return written;
    }
    return finish(decision, &buffer, out_reply);
}

err get_task_run(
    struct decision *decision, bytes task_id, const struct run_view *run, struct reply *out_reply
) {
    struct workflow *workflow = NULL;
    struct task *task = NULL;
    TRY(task_open(decision, task_id, &workflow, &task));
    struct buffer buffer;
    buffer_init(&buffer, LIMIT_REPLY_BYTES);
    struct json_writer writer = json_writer(&buffer);
    err written = write_task(task, run, &writer);
    if (err_is(written)) {
        buffer_deinit(&buffer);
        return written;
    }
    return finish(decision, &buffer, out_reply);
}

static err
write_workflow(struct workflow *workflow, const struct run_view *run, struct json_writer *writer) {
    const struct workflow_row *row = &workflow->row;
    bytes input = BYTES_EMPTY;
    bytes output = BYTES_EMPTY;
    bytes variables = BYTES_EMPTY;
    TRY(payload_load(workflow, workflow_input(workflow), &input));
    TRY(payload_load(workflow, workflow_output(workflow), &output));
    TRY(payload_load(workflow, workflow_variables(workflow), &variables));
    json_object_begin(writer);
    write_common(writer, workflow, run);
    json_member_raw(writer, "input", input);
    json_member_raw(writer, "output", output);
    json_member_int(writer, "priority", row->priority);
    json_member_raw(writer, "variables", variables);
    json_key(writer, "tasks");
    json_array_begin(writer);
    struct task **tasks = NULL;
    uint32_t count = 0;
    TRY(task_list(workflow, &tasks, &count));
    for (uint32_t i = 0; i < count; i++) {
        bytes json = BYTES_EMPTY;
        TRY(view_task(tasks[i], &json));
        json_raw(writer, json);
    }
    json_array_end(writer);
    if (row->created_by.size > 0) {
        json_member_text(writer, "createdBy", row->created_by);
    }
    json_member_int(writer, "createTime", row->create_ms);
    json_member_int(writer, "updateTime", row->update_ms);
    json_member_text(
        writer, "status", bytes_from_text(api_workflow_status_text(workflow_status(workflow)))
    );
    json_object_end(writer);
    return ERR_NONE;
}

static err write_task(struct task *task, const struct run_view *run, struct json_writer *writer) {
    struct workflow *workflow = task->workflow;
    const struct task_row *row = &task->row;
    bytes input = BYTES_EMPTY;
    bytes output = BYTES_EMPTY;
    TRY(payload_load(workflow, task_input(task), &input));
    TRY(payload_load(workflow, task_output(task), &output));
    json_object_begin(writer);
    write_common(writer, workflow, run);
    json_member_raw(writer, "input", input);
    json_member_raw(writer, "output", output);
    json_member_text(writer, "taskType", task_type_text(task->definition));
    json_member_text(writer, "taskId", task_id_text(task));
    json_member_text(writer, "referenceTaskName", row->reference);
    json_member_int(writer, "retryCount", row->retry_count);
    json_member_text(writer, "taskDefName", task_definition_name(task));
    if (!id_is_zero(row->retried_task)) {
        json_member_text(
            writer, "retriedTaskId", workflow_id_text(workflow->decision, row->retried_task)
        );
    }
    json_member_text(writer, "workflowType", workflow->row.name);
    if ((row->flags & TASK_HAS_REASON) != 0) {
        json_member_text(writer, "reasonForIncompletion", row->reason);
    }
    json_member_int(writer, "priority", workflow->row.priority);
    if ((row->flags & TASK_HAS_WORKER) != 0) {
        json_member_text(writer, "createdBy", row->worker);
    }
    json_member_int(writer, "createTime", row->start_ms);
    json_member_int(writer, "updateTime", row->update_ms);
    json_member_text(writer, "status", bytes_from_text(api_task_status_text(task_status(task))));
    json_object_end(writer);
    return ERR_NONE;
}

static void write_common(
    struct json_writer *writer, const struct workflow *workflow, const struct run_view *run
) {
    json_member_text(writer, "responseType", run->response_type);
    json_member_text(writer, "targetWorkflowId", run->target_id);
    json_member_text(writer, "targetWorkflowStatus", run->target_status);
    json_member_text(writer, "requestId", run->request_id);
    json_member_text(writer, "workflowId", workflow->id_text);
    write_correlation(writer, workflow);
    json_member_bool(writer, "signalTimeout", run->timed_out);
}

static void write_correlation(struct json_writer *writer, const struct workflow *workflow) {
    if ((workflow->row.flags & WORKFLOW_HAS_CORRELATION) != 0) {
        json_member_text(writer, "correlationId", workflow->row.correlation);
    }
}

static err finish(struct decision *decision, struct buffer *buffer, struct reply *out_reply) {
    bytes body = BYTES_EMPTY;
    TRY(payload_take(buffer, decision->arena, &body));
    *out_reply = (struct reply){.status = 200, .kind = REPLY_JSON, .body = body};
    return ERR_NONE;
}
