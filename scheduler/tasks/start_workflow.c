// START_WORKFLOW: fire and forget (engine.md §10.14). The new execution lives in a group of its
// own, so its start is a message; what can be known here – the request, the definition – is checked
// before it leaves, because nothing comes back.
#include "proto/api/validate.h"
#include "proto/json/json.h"
#include "scheduler/definition/catalog.h"
#include "scheduler/message.h"
#include "scheduler/tasks/kind.h"

static err map(struct schedule *schedule, const struct definition_task *definition) {
    struct task *task = NULL;
    TRY(schedule_task(schedule, definition, &task));
    int64_t delay_s = definition->model.start_delay > 0 ? definition->model.start_delay : 0;
    task->row.start_delay_s = delay_s;
    task->row.callback_s = delay_s;
    task->row.ready_ms = schedule->workflow->decision->now.ms + delay_s * 1000;
    return ERR_NONE;
}

static err fail(struct task *task, const char *text) {
    task_set_reason(task, bytes_from_text(text));
    return task_move(task, API_TASK_FAILED);
}

// Why the request cannot be started, or NULL.
static err
find_fault(struct task *task, const struct api_start_workflow_request *request, const char **out) {
    struct decision *decision = task->workflow->decision;
    struct api_violations violations;
    api_violations_init(&violations, decision->arena);
    struct api_validate_options options = {.argument = NULL};
    api_validate_start_request(request, &options, &violations);
    const char *text = NULL;
    for (size_t i = 0; i < violations.count; i++) {
        bytes field = violations.items[i].path;
        size_t dot = 0;
        while ((dot = bytes_find(field, 0, '.')) < field.size) {
            field = bytes_slice(field, dot + 1, field.size);
        }
        text = arena_format(
            decision->arena,
            "%s'%.*s' -> %.*s. ",
            text != NULL ? text : "startWorkflow validation failed. ",
            BYTES_ARG(field),
            BYTES_ARG(violations.items[i].message)
        );
    }
    *out = text;
    if (text != NULL || request->workflow_def.data != NULL) {
        return ERR_NONE;
    }
    bytes found = BYTES_EMPTY;
    int64_t version = request->version.present ? request->version.value : 0;
    err error = catalog_workflow(decision->store, request->name, version, decision->arena, &found);
    if (error.code == ERR_CORRUPT) {
        return error;
    }
    *out = err_is(error) ? error.text : NULL;
    return ERR_NONE;
}

static err send(struct task *task, const struct api_start_workflow_request *request, id128 id) {
    struct workflow *workflow = task->workflow;
    struct decision *decision = workflow->decision;
    bytes domains = request->task_to_domain;
    if (domains.size == 0 || !json_is_object(domains) || json_count(domains) == 0) {
        TRY(payload_load(
            workflow,
            (struct payload){workflow->row.domains_blob, workflow->row.domains_bytes},
            &domains
        ));
    }
    bytes correlation = request->correlation_id;
    bool has_correlation = bytes_trim(correlation).size > 0;
    if (!has_correlation) {
        correlation = workflow->row.correlation;
        has_correlation = (workflow->row.flags & WORKFLOW_HAS_CORRELATION) != 0;
    }
    int64_t priority = request->priority;
    struct message_row message = {
        .kind = MESSAGE_START_FAILURE,
        .flags = has_correlation ? MESSAGE_HAS_CORRELATION : 0u,
        .workflow = id,
        .name = request->name,
        .version = request->version.present ? request->version.value : 0,
        .definition = request->workflow_def,
        .input = request->input,
        .correlation = correlation,
        .priority = priority > 0 && priority <= 99 ? (uint8_t)priority : 0,
        .task_to_domain = domains,
        .external_input = request->external_input_payload_storage_path,
    };
    return message_send(decision, message_group_of(decision, id), &message);
}

static err begin(struct task *task) {
    struct decision *decision = task->workflow->decision;
    if (task->row.ready_ms > decision->now.ms) {
        return ERR_NONE;
    }
    task->row.ready_ms = 0;
    bytes input = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    TRY(payload_load(task->workflow, task_input(task), &input));
    if (!json_get_text(input, "startWorkflow", &value) || json_is_null(value)) {
        return fail(task, "Missing 'startWorkflow' in input data.");
    }
    struct api_start_workflow_request request;
    err error = api_read(&api_start_workflow_request_model, value, decision->arena, &request);
    if (err_is(error)) {
        const char *text =
            arena_format(decision->arena, "Error reading StartWorkflowRequest. %s", error.text);
        return fail(task, text);
    }
    const char *fault = NULL;
    TRY(find_fault(task, &request, &fault));
    if (fault != NULL) {
        return fail(task, fault);
    }
    uint16_t slot = (uint16_t)random_below(decision->random, ID_SLOT_COUNT);
    id128 id = id_mint(slot, decision->now.ms, decision->random);
    TRY(send(task, &request, id));
    bytes text = workflow_id_text(decision, id);
    const char *output =
        arena_format(decision->arena, "{\"workflowId\":\"%.*s\"}", BYTES_ARG(text));
    check(task_set_output(task, bytes_from_text(output)));
    task->row.callback_s = 0;
    return task_move(task, API_TASK_COMPLETED);
}

const struct task_kind task_kind_start_workflow = {
    .first_status = API_TASK_SCHEDULED,
    .map = map,
    .begin = begin,
    .wake = begin,
};
