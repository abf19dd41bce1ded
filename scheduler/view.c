// Structs of proto/api are filled from rows and written by its tables, so that the names of fields
// and the rules about null stand in one place. Payloads and definitions go in as the text they are.
#include "scheduler/view.h"

#include "proto/json/json.h"
#include "proto/limits.h"
#include "scheduler/blueprint.h"
#include "scheduler/closing.h"
#include "scheduler/context.h"
#include "scheduler/failed.h"
#include "scheduler/tasks/kind.h"
#include "storage/keys.h"

static err write_task(struct task *task, bytes input, bytes output, bytes *out_json);
static void show_child(const struct task *task, bytes *output);
static void fill_times(const struct task *task, struct api_task *out_task);
static void fill_texts(const struct task *task, struct api_task *out_task);
static void fill_limits(const struct task *task, struct api_task *out_task);
static int64_t queue_wait_ms(const struct task *task);
static bytes child_of(struct task *task, bytes input, bytes output);
static err fill_workflow(struct workflow *workflow, struct api_workflow *out_view);
static err
write_workflow(struct workflow *workflow, const struct api_workflow *view, bytes *out_json);
static err write_tasks(struct workflow *workflow, size_t bytes_max, bytes *out_json);
static err text_list(struct workflow *workflow, const struct wire_text_list *list, bytes *out_json);
static bytes nullable(bool present, bytes text);

err view_task(struct task *task, bytes *out_json) {
    return view_task_with(task, BYTES_EMPTY, BYTES_EMPTY, out_json);
}

err view_task_with(struct task *task, bytes input, bytes output, bytes *out_json) {
    if (input.data == NULL) {
        TRY(view_input(task, &input));
    }
    if (output.data == NULL) {
        TRY(view_output(task, &output));
    }
    return write_task(task, input, output, out_json);
}

err view_task_for_worker(struct task *task, bytes *out_json) {
    bytes input = BYTES_EMPTY;
    bytes output = BYTES_EMPTY;
    TRY(view_input(task, &input));
    TRY(context_reveal(task->workflow->decision, input, &input));
    TRY(view_output(task, &output));
    return write_task(task, input, output, out_json);
}

static err write_task(struct task *task, bytes input, bytes output, bytes *out_json) {
    struct workflow *workflow = task->workflow;
    struct api_task view;
    api_init(&api_task_model, &view);
    view.input_data = input;
    view.output_data = output;
    show_child(task, &view.output_data);
    fill_times(task, &view);
    fill_texts(task, &view);
    fill_limits(task, &view);
    view.status = task_status(task);
    view.retry_count = (int32_t)task->row.retry_count;
    view.seq = (int32_t)task->row.seq;
    view.poll_count = (int32_t)task->row.poll_count;
    view.iteration = (int32_t)task->row.iteration;
    view.loop_over_task = task->row.iteration > 0;
    view.retried = (task->row.flags & TASK_RETRIED) != 0;
    view.executed = (task->row.flags & TASK_EXECUTED) != 0;
    view.workflow_priority = workflow->row.priority;
    view.sub_workflow_id = child_of(task, view.input_data, view.output_data);
    struct buffer buffer;
    buffer_init(&buffer, LIMIT_REPLY_BYTES);
    struct json_writer writer = json_writer(&buffer);
    api_write(&api_task_model, &view, &writer);
    return payload_take(&buffer, workflow->decision->arena, out_json);
}

err view_input(struct task *task, bytes *out_json) {
    return task->definition->type == TASK_TYPE_FORK_JOIN_DYNAMIC
               ? fork_dynamic_input(task, out_json)
               : payload_load(task->workflow, task_input(task), out_json);
}

err view_output(struct task *task, bytes *out_json) {
    if (task->is_closing) {
        return closing_output(task, out_json);
    }
    if (!task_is_terminal(task) && task->definition->type == TASK_TYPE_JOIN) {
        return join_output(task, out_json);
    }
    if (!task_is_terminal(task) && task->definition->type == TASK_TYPE_DO_WHILE) {
        return do_while_output(task, BYTES_EMPTY, out_json);
    }
    return payload_load(task->workflow, task_output(task), out_json);
}

err view_workflow(struct workflow *workflow, bool with_tasks, size_t bytes_max, bytes *out_json) {
    struct api_workflow view;
    TRY(fill_workflow(workflow, &view));
    if (with_tasks) {
        TRY(write_tasks(workflow, bytes_max, &view.tasks));
    }
    return write_workflow(workflow, &view, out_json);
}

err view_workflow_with(struct workflow *workflow, bytes tasks, bytes *out_json) {
    struct api_workflow view;
    TRY(fill_workflow(workflow, &view));
    view.tasks = tasks;
    return write_workflow(workflow, &view, out_json);
}

static err fill_workflow(struct workflow *workflow, struct api_workflow *out_view) {
    const struct workflow_row *row = &workflow->row;
    struct api_workflow view;
    api_init(&api_workflow_model, &view);
    bool child = !id_is_zero(row->parent);
    view.create_time = row->create_ms;
    view.start_time = row->create_ms;
    view.update_time = row->update_ms;
    view.end_time = row->end_ms;
    view.last_retried_time = row->last_retried_ms;
    view.created_by = nullable(row->created_by.size > 0, row->created_by);
    view.status = workflow_status(workflow);
    view.workflow_id = workflow->id_text;
    if (child) {
        view.parent_workflow_id = workflow_id_text(workflow->decision, row->parent);
        view.parent_workflow_task_id = workflow_id_text(workflow->decision, row->parent_task);
    }
    TRY(payload_load(workflow, workflow_input(workflow), &view.input));
    TRY(payload_load(workflow, workflow_output(workflow), &view.output));
    TRY(payload_load(workflow, workflow_variables(workflow), &view.variables));
    TRY(payload_load(
        workflow, (struct payload){row->domains_blob, row->domains_bytes}, &view.task_to_domain
    ));
    view.correlation_id = nullable((row->flags & WORKFLOW_HAS_CORRELATION) != 0, row->correlation);
    view.reason_for_incompletion = nullable((row->flags & WORKFLOW_HAS_REASON) != 0, row->reason);
    view.event = nullable((row->flags & WORKFLOW_HAS_EVENT) != 0, row->event);
    if (workflow_is_terminal(workflow)) {
        TRY(failed_references(workflow, &view.failed_reference_task_names));
        TRY(text_list(workflow, &row->failed_names, &view.failed_task_names));
    }
    view.workflow_definition = workflow->definition->json;
    view.external_input_payload_storage_path =
        nullable(row->external_input.size > 0, row->external_input);
    view.priority = row->priority;
    view.idempotency_key = nullable(row->idempotency_key.size > 0, row->idempotency_key);
    view.workflow_name = row->name;
    view.workflow_version = (int32_t)row->version;
    *out_view = view;
    return ERR_NONE;
}

static err
write_workflow(struct workflow *workflow, const struct api_workflow *view, bytes *out_json) {
    struct buffer buffer;
    buffer_init(&buffer, LIMIT_REPLY_BYTES);
    struct json_writer writer = json_writer(&buffer);
    api_write(&api_workflow_model, view, &writer);
    return payload_take(&buffer, workflow->decision->arena, out_json);
}

err view_workflow_status(
    struct workflow *workflow, bool with_output, bool with_variables, bytes *out_json
) {
    struct api_workflow_status_response view;
    api_init(&api_workflow_status_response_model, &view);
    view.workflow_id = workflow->id_text;
    view.correlation_id = nullable(workflow->row.correlation.size > 0, workflow->row.correlation);
    view.status = workflow_status(workflow);
    if (with_output) {
        TRY(payload_load(workflow, workflow_output(workflow), &view.output));
    }
    if (with_variables) {
        TRY(payload_load(workflow, workflow_variables(workflow), &view.variables));
    }
    struct buffer buffer;
    buffer_init(&buffer, LIMIT_REPLY_BYTES);
    struct json_writer writer = json_writer(&buffer);
    api_write(&api_workflow_status_response_model, &view, &writer);
    return payload_take(&buffer, workflow->decision->arena, out_json);
}

// A child's output may hold a `subWorkflowId` of its own; seen from outside the key is the task's
// child all the same.
static void show_child(const struct task *task, bytes *output) {
    struct arena *arena = task->workflow->decision->arena;
    bytes value = BYTES_EMPTY;
    if (task->row.child.size == 0 || !json_get_text(*output, "subWorkflowId", &value)) {
        return;
    }
    bytes child = json_string_value(task->row.child, arena);
    if (!bytes_equal(value, child)) {
        const char *own = arena_format(arena, "{\"subWorkflowId\":%.*s}", BYTES_ARG(child));
        *output = json_merge(*output, bytes_from_text(own), arena);
    }
}

static void fill_times(const struct task *task, struct api_task *out_task) {
    out_task->scheduled_time = task->row.scheduled_ms;
    out_task->start_time = task->row.start_ms;
    out_task->end_time = task->row.end_ms;
    out_task->update_time = task->row.update_ms;
    out_task->start_delay_in_seconds = (int32_t)task->row.start_delay_s;
    out_task->callback_after_seconds = task->row.callback_s;
    out_task->queue_wait_time = queue_wait_ms(task);
}

static void fill_texts(const struct task *task, struct api_task *out_task) {
    const struct workflow *workflow = task->workflow;
    const struct task_row *row = &task->row;
    // A task that was skipped shows its name where others have their type (engine.md §5.8).
    out_task->task_type = row->status == API_TASK_SKIPPED ? task->definition->model.name
                                                          : task_type_text(task->definition);
    out_task->task_def_name = task_definition_name(task);
    out_task->reference_task_name = row->reference;
    out_task->correlation_id =
        nullable((workflow->row.flags & WORKFLOW_HAS_CORRELATION) != 0, workflow->row.correlation);
    if (!id_is_zero(row->retried_task)) {
        out_task->retried_task_id = workflow_id_text(workflow->decision, row->retried_task);
    }
    out_task->workflow_instance_id = workflow->id_text;
    out_task->workflow_type = workflow->row.name;
    out_task->task_id = task_id_text(task);
    out_task->reason_for_incompletion = nullable((row->flags & TASK_HAS_REASON) != 0, row->reason);
    out_task->worker_id = nullable((row->flags & TASK_HAS_WORKER) != 0, row->worker);
    out_task->domain = nullable((row->flags & TASK_HAS_DOMAIN) != 0, row->domain);
    out_task->external_output_payload_storage_path =
        nullable(row->external_output.size > 0, row->external_output);
    out_task->workflow_task = blueprint_json(task);
    out_task->task_definition = task->definition->has_task_definition
                                    ? task->definition->model.task_definition
                                    : BYTES_EMPTY;
}

// models.md §6: limits of the task definition are copied to worker tasks, rates to loops too.
static void fill_limits(const struct task *task, struct api_task *out_task) {
    const struct api_task_definition *definition = &task->definition->task_definition;
    if (!task->definition->has_task_definition) {
        return;
    }
    if (task->definition->type == TASK_TYPE_DO_WHILE) {
        out_task->rate_limit_per_frequency = definition->rate_limit_per_frequency;
        out_task->rate_limit_frequency_in_seconds = definition->rate_limit_frequency_in_seconds;
    }
    const struct task_kind *kind = task_kind_of(task->definition->type);
    if (!kind->worker && !kind->called) {
        return;
    }
    if (kind->worker) {
        out_task->response_timeout_seconds = definition->response_timeout_seconds;
    }
    if (task->row.own_name.size > 0) {
        return; // of DYNAMIC only that (as the reference was recorded to do)
    }
    out_task->rate_limit_per_frequency = definition->rate_limit_per_frequency;
    out_task->rate_limit_frequency_in_seconds = definition->rate_limit_frequency_in_seconds;
    out_task->execution_name_space = definition->execution_name_space;
    out_task->isolation_group_id = definition->isolation_group_id;
}

static int64_t queue_wait_ms(const struct task *task) {
    const struct task_row *row = &task->row;
    if (row->start_ms <= 0 || row->scheduled_ms <= 0) {
        return 0;
    }
    if (row->update_ms > 0 && row->callback_s > 0) {
        int64_t wait_ms =
            task->workflow->decision->now.ms - (row->update_ms + row->callback_s * 1000);
        return wait_ms > 0 ? wait_ms : 0;
    }
    return row->start_ms - row->scheduled_ms;
}

// models.md §6: falls back to what output or input say.
static bytes child_of(struct task *task, bytes input, bytes output) {
    bytes value = BYTES_EMPTY;
    if (task->row.child.size > 0) {
        return task->row.child;
    }
    if ((json_get_text(output, "subWorkflowId", &value) && json_is_string(value)) ||
        (json_get_text(input, "subWorkflowId", &value) && json_is_string(value))) {
        return json_string(value, task->workflow->decision->arena);
    }
    return BYTES_EMPTY;
}

static err write_tasks(struct workflow *workflow, size_t bytes_max, bytes *out_json) {
    struct task **tasks = NULL;
    uint32_t count = 0;
    TRY(task_list(workflow, &tasks, &count));
    struct buffer buffer;
    buffer_init(&buffer, bytes_max);
    struct json_writer writer = json_writer(&buffer);
    json_array_begin(&writer);
    err error = ERR_NONE;
    for (uint32_t i = 0; i < count && !err_is(error) && !buffer.overflowed; i++) {
        bytes json = BYTES_EMPTY;
        error = view_task(tasks[i], &json);
        json_raw(&writer, json);
    }
    json_array_end(&writer);
    if (err_is(error)) {
        buffer_deinit(&buffer);
        return error;
    }
    return payload_take(&buffer, workflow->decision->arena, out_json);
}

static err
text_list(struct workflow *workflow, const struct wire_text_list *list, bytes *out_json) {
    struct buffer buffer;
    buffer_init(&buffer, LIMIT_REPLY_BYTES);
    struct json_writer writer = json_writer(&buffer);
    json_array_begin(&writer);
    for (uint32_t i = 0; i < list->count; i++) {
        json_text(&writer, list->items[i]);
    }
    json_array_end(&writer);
    return payload_take(&buffer, workflow->decision->arena, out_json);
}

static bytes nullable(bool present, bytes text) {
    if (!present) {
        return BYTES_EMPTY;
    }
    return text.data != NULL ? text : BYTES_LITERAL("");
}
