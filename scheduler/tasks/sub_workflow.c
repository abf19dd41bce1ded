// SUB_WORKFLOW: another execution, usually of another group (engine.md §10.13, §5.10).
//
// The child's id is drawn here and stands in this task's row; the child is begun by a message and
// its end comes back as one. Both carry the task's number and attempt, so an answer to an attempt
// that is over changes nothing. What the child needs is read from the task's stored input, never
// from the definition again: a retry uses the old input (engine.md §3.4).
#include "proto/json/json.h"
#include "proto/limits.h"
#include "scheduler/context.h"
#include "scheduler/message.h"
#include "scheduler/tasks/kind.h"

#include <string.h>

static err evaluate_parameters(
    struct workflow *workflow, const struct definition_task *definition, bytes *out_json
);
static err send_start(struct task *task, bytes input, uint32_t flags);
static bytes member(bytes object, const char *key);
static int64_t integer_of(struct task *task, bytes value);
static enum api_task_status status_of(uint8_t child_status);

static err map(struct schedule *schedule, const struct definition_task *definition) {
    struct workflow *workflow = schedule->workflow;
    if (definition->model.sub_workflow_param.data == NULL) {
        const char *text = arena_format(
            workflow->decision->arena,
            "Task %.*s is defined as sub-workflow and is missing subWorkflowParams. Please check "
            "the workflow definition",
            BYTES_ARG(definition->model.name)
        );
        workflow_want_end(workflow, API_WORKFLOW_FAILED, bytes_from_text(text), NULL);
        return ERR_NONE;
    }
    bytes parameters = BYTES_EMPTY;
    TRY(evaluate_parameters(workflow, definition, &parameters));
    bytes workflow_input_text = BYTES_EMPTY;
    TRY(context_evaluate(
        workflow, definition->model.input_parameters, BYTES_EMPTY, &workflow_input_text
    ));
    struct task *task = schedule_new(schedule, definition, API_TASK_SCHEDULED);
    struct arena *arena = workflow->decision->arena;
    const char *added =
        arena_format(arena, "{\"workflowInput\":%.*s}", BYTES_ARG(workflow_input_text));
    schedule_input(task, json_merge(parameters, bytes_from_text(added), arena));
    int64_t delay_s = definition->model.start_delay > 0 ? definition->model.start_delay : 0;
    task->row.start_delay_s = delay_s;
    task->row.callback_s = delay_s;
    task->row.ready_ms = workflow->decision->now.ms + delay_s * 1000;
    schedule_add(schedule, task);
    return ERR_NONE;
}

static err begin(struct task *task) {
    struct workflow *workflow = task->workflow;
    struct decision *decision = workflow->decision;
    if (task->row.ready_ms > decision->now.ms) {
        return ERR_NONE;
    }
    task->row.ready_ms = 0;
    bytes input = BYTES_EMPTY;
    TRY(payload_load(workflow, task_input(task), &input));
    uint16_t slot = (uint16_t)random_below(decision->random, ID_SLOT_COUNT);
    id128 child = id_mint(slot, decision->now.ms, decision->random);
    task->row.child = workflow_id_text(decision, child);
    task->row.flags |= TASK_CHILD_STARTED;
    TRY(send_start(task, input, 0));
    task->row.callback_s = 0;
    task->row.update_ms = decision->now.ms;
    const char *output =
        arena_format(decision->arena, "{\"subWorkflowId\":\"%.*s\"}", BYTES_ARG(task->row.child));
    check(task_set_output(task, bytes_from_text(output)));
    return task_move(task, API_TASK_IN_PROGRESS);
}

static err cancel(struct task *task, bytes reason) {
    id128 child;
    if ((task->row.flags & TASK_CHILD_STARTED) == 0 || !id_parse(task->row.child, &child)) {
        return ERR_NONE;
    }
    struct decision *decision = task->workflow->decision;
    const char *text = reason.data != NULL
                           ? arena_format(
                                 decision->arena,
                                 "Parent workflow has been terminated with reason: %.*s",
                                 BYTES_ARG(reason)
                             )
                           : arena_format(
                                 decision->arena,
                                 "Parent workflow has been terminated with status %s",
                                 api_workflow_status_text(workflow_status(task->workflow))
                             );
    struct message_row message = {
        .kind = MESSAGE_TERMINATE_CHILD,
        .flags = MESSAGE_HAS_REASON,
        .workflow = child,
        .parent = task->workflow->id,
        .parent_task = task->row.id,
        .parent_task_no = task->number,
        .parent_attempt = task->row.retry_count,
        .reason = bytes_from_text(text),
    };
    return message_send(decision, message_group_of(decision, child), &message);
}

err sub_workflow_abandon(struct task *task, bytes reason) {
    return task->definition->type == TASK_TYPE_SUB_WORKFLOW ? cancel(task, reason) : ERR_NONE;
}

err sub_workflow_ask_again(struct task *task) {
    bool waits = task->definition->type == TASK_TYPE_SUB_WORKFLOW && !task_is_terminal(task) &&
                 (task->row.flags & TASK_CHILD_STARTED) != 0;
    if (!waits) {
        return ERR_NONE;
    }
    bytes input = BYTES_EMPTY;
    TRY(payload_load(task->workflow, task_input(task), &input));
    return send_start(task, input, MESSAGE_ASKS_AGAIN);
}

err sub_workflow_done(struct task *task, const struct message_row *message) {
    struct workflow *workflow = task->workflow;
    struct arena *arena = workflow->decision->arena;
    if ((message->flags & MESSAGE_NOT_STARTED) != 0) {
        task->row.child = BYTES_EMPTY;
        task->row.flags &= ~(uint32_t)TASK_CHILD_STARTED;
        check(task_set_output(task, JSON_EMPTY_OBJECT));
        task_set_reason(task, message->reason);
        return task_move(task, API_TASK_FAILED);
    }
    bytes output = BYTES_EMPTY;
    TRY(payload_load(workflow, task_output(task), &output));
    bytes merged = json_merge(output, message->output, arena);
    enum api_task_status status = status_of(message->status);
    if (status != API_TASK_COMPLETED) {
        bytes child = workflow_id_text(workflow->decision, message->workflow);
        bytes reason =
            (message->flags & MESSAGE_HAS_REASON) != 0 ? message->reason : JSON_NULL_TEXT;
        task_format_reason(
            task,
            "Sub workflow %.*s.%lld/%.*s failure reason: %.*s",
            BYTES_ARG(message->name),
            (long long)message->version,
            BYTES_ARG(child),
            BYTES_ARG(reason)
        );
        // A child that failed for its own child's failure brings that one's id along; the reference
        // shows the direct child's, as the workflow's output too, but not when all went well.
        const char *own = arena_format(arena, "{\"subWorkflowId\":\"%.*s\"}", BYTES_ARG(child));
        merged = json_merge(merged, bytes_from_text(own), arena);
    }
    if (!task_set_output(task, merged)) {
        task_set_too_large(task, merged.size);
        status = API_TASK_FAILED_WITH_TERMINAL_ERROR;
    }
    return task_move(task, status);
}

// Everything but an embedded definition is evaluated; absent values are null, as the reference
// stores them.
static err evaluate_parameters(
    struct workflow *workflow, const struct definition_task *definition, bytes *out_json
) {
    struct arena *arena = workflow->decision->arena;
    static const struct {
        const char *from;
        const char *to;
    } members[] = {
        {"taskToDomain", "subWorkflowTaskToDomain"},
        {"idempotencyKey", "idempotencyKey"},
        {"name", "subWorkflowName"},
        {"priority", "priority"},
        {"version", "subWorkflowVersion"},
        {"idempotencyStrategy", "idempotencyStrategy"},
    };
    bytes parameters = definition->model.sub_workflow_param;
    bytes embedded = member(parameters, "workflowDefinition");
    bool is_object = json_is_object(embedded);
    struct buffer buffer;
    buffer_init(&buffer, LIMIT_REPLY_BYTES);
    struct json_writer writer = json_writer(&buffer);
    json_object_begin(&writer);
    json_member_raw(&writer, "subWorkflowDefinition", is_object ? JSON_NULL_TEXT : embedded);
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        // An embedded definition has a version of its own: the task's input shows none.
        bool is_void = is_object && strcmp(members[i].from, "version") == 0;
        bytes value = is_void ? JSON_NULL_TEXT : member(parameters, members[i].from);
        json_member_raw(&writer, members[i].to, value);
    }
    json_object_end(&writer);
    bytes template_json = BYTES_EMPTY;
    TRY(payload_take(&buffer, arena, &template_json));
    TRY(context_evaluate(workflow, template_json, BYTES_EMPTY, out_json));
    if (is_object) {
        const char *added =
            arena_format(arena, "{\"subWorkflowDefinition\":%.*s}", BYTES_ARG(embedded));
        *out_json = json_merge(*out_json, bytes_from_text(added), arena);
    }
    return ERR_NONE;
}

static err send_start(struct task *task, bytes input, uint32_t flags) {
    struct workflow *workflow = task->workflow;
    struct decision *decision = workflow->decision;
    struct arena *arena = decision->arena;
    bytes name = member(input, "subWorkflowName");
    bytes embedded = member(input, "subWorkflowDefinition");
    bytes given = member(input, "workflowInput");
    bytes child_input = json_is_object(given) && json_count(given) > 0 ? given : input;
    if (json_is_object(embedded)) {
        child_input = json_merge(
            child_input, BYTES_LITERAL("{\"_systemMetadata\":{\"dynamic\":true}}"), arena
        );
    }
    int64_t priority = integer_of(task, member(input, "priority"));
    bytes domains = member(input, "subWorkflowTaskToDomain");
    if (!json_is_object(domains)) {
        TRY(payload_load(
            workflow,
            (struct payload){workflow->row.domains_blob, workflow->row.domains_bytes},
            &domains
        ));
    }
    id128 child;
    check(id_parse(task->row.child, &child));
    struct message_row message = {
        .kind = MESSAGE_START_CHILD,
        .flags =
            flags |
            ((workflow->row.flags & WORKFLOW_HAS_CORRELATION) != 0 ? MESSAGE_HAS_CORRELATION : 0u),
        .workflow = child,
        .parent = workflow->id,
        .parent_task = task->row.id,
        .parent_run = workflow->row.run,
        .parent_task_no = task->number,
        .parent_attempt = task->row.retry_count,
        .depth = workflow->row.depth + 1,
        .name = json_is_string(name) ? json_string(name, arena) : BYTES_EMPTY,
        .version = integer_of(task, member(input, "subWorkflowVersion")),
        .definition = json_is_object(embedded) ? embedded : BYTES_EMPTY,
        .input = child_input,
        .correlation = workflow->row.correlation,
        .priority = priority > 0 && priority <= 99 ? (uint8_t)priority : 0,
        .task_to_domain = domains,
    };
    return message_send(decision, message_group_of(decision, child), &message);
}

// The member's value; null when there is none.
static bytes member(bytes object, const char *key) {
    bytes value = JSON_NULL_TEXT;
    if (!json_get_text(object, key, &value)) {
        return JSON_NULL_TEXT;
    }
    return value;
}

// A number, or a text that is one; else 0.
static int64_t integer_of(struct task *task, bytes value) {
    int64_t number = 0;
    if (json_is_string(value)) {
        value = json_string(value, task->workflow->decision->arena);
        return bytes_parse_i64(value, &number) ? number : 0;
    }
    return json_i64(value, &number) ? number : 0;
}

static enum api_task_status status_of(uint8_t child_status) {
    switch ((enum api_workflow_status)child_status) {
    case API_WORKFLOW_COMPLETED:
        return API_TASK_COMPLETED;
    case API_WORKFLOW_TERMINATED:
        return API_TASK_CANCELED;
    case API_WORKFLOW_TIMED_OUT:
        return API_TASK_TIMED_OUT;
    case API_WORKFLOW_FAILED:
    case API_WORKFLOW_RUNNING:
    case API_WORKFLOW_PAUSED:
    case API_WORKFLOW_NONE:
    case API_WORKFLOW_COUNT:
        break;
    }
    return API_TASK_FAILED;
}

const struct task_kind task_kind_sub_workflow = {
    .first_status = API_TASK_SCHEDULED,
    .map = map,
    .begin = begin,
    .wake = begin,
    .cancel = cancel,
};
