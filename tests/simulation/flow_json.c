// Flows as the JSON a client would register.

#include "proto/json/json.h"
#include "tests/simulation/flow.h"

#include <stdio.h>

static void member_chars(struct json_writer *writer, const char *key, const char *text) {
    json_member_text(writer, key, bytes_from_text(text));
}

static void write_type(struct json_writer *writer, const struct task_type *type) {
    static const char *const logics[] = {"FIXED", "LINEAR_BACKOFF", "EXPONENTIAL_BACKOFF"};
    json_object_begin(writer);
    member_chars(writer, "name", type->name);
    json_member_int(writer, "retryCount", type->retry_count);
    member_chars(writer, "retryLogic", logics[type->retry_logic]);
    json_member_int(writer, "retryDelaySeconds", type->retry_delay_s);
    json_member_int(writer, "backoffScaleFactor", type->backoff_scale);
    json_member_int(writer, "responseTimeoutSeconds", type->response_s);
    json_member_int(writer, "timeoutSeconds", type->timeout_s);
    member_chars(writer, "timeoutPolicy", type->timeout_policy);
    json_member_int(writer, "totalTimeoutSeconds", type->total_s);
    if (type->poll_timeout_s > 0) {
        json_member_int(writer, "pollTimeoutSeconds", type->poll_timeout_s);
    }
    member_chars(writer, "ownerEmail", "owner@example.com");
    json_object_end(writer);
}

void flows_write_types(const struct flows *flows, struct buffer *out) {
    struct json_writer writer = json_writer(out);
    json_array_begin(&writer);
    for (uint32_t i = 0; i < flows->type_count; i++) {
        write_type(&writer, &flows->types[i]);
    }
    json_array_end(&writer);
}

// --- tasks ---------------------------------------------------------------------------------------

static void
write_list(struct json_writer *writer, const struct flows *flows, const struct flow_list *list);

static void
begin_task(struct json_writer *writer, const char *type, const char *name, const char *reference) {
    json_object_begin(writer);
    member_chars(writer, "name", name);
    member_chars(writer, "taskReferenceName", reference);
    member_chars(writer, "type", type);
}

static void
write_simple(struct json_writer *writer, const struct flows *flows, const struct flow_task *task) {
    begin_task(writer, "SIMPLE", flows->types[task->type].name, task->reference);
    json_key(writer, "inputParameters");
    json_object_begin(writer);
    member_chars(writer, "plan", flow_plan_text(task->plan));
    char expression[64];
    if (task->source != NULL) {
        (void)snprintf(expression, sizeof(expression), "${%s.output.value}", task->source);
        member_chars(writer, "from", expression);
    }
    member_chars(writer, "seed", "${workflow.input.seed}");
    json_object_end(writer);
    if (task->retry_count >= 0) {
        json_member_int(writer, "retryCount", task->retry_count);
    }
    if (task->start_delay_s > 0) {
        json_member_int(writer, "startDelay", task->start_delay_s);
    }
    json_member_bool(writer, "optional", task->optional);
    json_object_end(writer);
}

// The reference that a branch's JOIN waits for: its last task, a fork's being its own JOIN.
static void
write_joined(struct json_writer *writer, const struct flow_list *branch, char *text, size_t size) {
    const struct flow_task *last = &branch->tasks[branch->count - 1];
    (void)snprintf(text, size, "%s%s", last->reference, last->kind == FLOW_FORK ? "_join" : "");
    json_text(writer, bytes_from_text(text));
}

static void
write_fork(struct json_writer *writer, const struct flows *flows, const struct flow_task *task) {
    begin_task(writer, "FORK_JOIN", "fork", task->reference);
    json_key(writer, "forkTasks");
    json_array_begin(writer);
    for (uint32_t i = 0; i < task->list_count; i++) {
        write_list(writer, flows, &task->lists[i]);
    }
    json_array_end(writer);
    json_object_end(writer);

    char text[FLOW_TEXT_BYTES + 8];
    (void)snprintf(text, sizeof(text), "%s_join", task->reference);
    begin_task(writer, "JOIN", "join", text);
    json_key(writer, "joinOn");
    json_array_begin(writer);
    for (uint32_t i = 0; i < task->list_count; i++) {
        write_joined(writer, &task->lists[i], text, sizeof(text));
    }
    json_array_end(writer);
    json_object_end(writer);
}

static void
write_switch(struct json_writer *writer, const struct flows *flows, const struct flow_task *task) {
    begin_task(writer, "SWITCH", "switch", task->reference);
    member_chars(writer, "evaluatorType", "value-param");
    member_chars(writer, "expression", "key");
    json_key(writer, "inputParameters");
    json_object_begin(writer);
    member_chars(writer, "key", task->literal != NULL ? task->literal : "${workflow.input.choice}");
    json_object_end(writer);
    json_key(writer, "decisionCases");
    json_object_begin(writer);
    json_key(writer, "a");
    write_list(writer, flows, &task->lists[0]);
    json_key(writer, "b");
    write_list(writer, flows, &task->lists[1]);
    json_object_end(writer);
    json_key(writer, "defaultCase");
    write_list(writer, flows, &task->lists[2]);
    json_object_end(writer);
}

static void
write_child(struct json_writer *writer, const struct flows *flows, const struct flow_task *task) {
    begin_task(writer, "SUB_WORKFLOW", "child", task->reference);
    json_key(writer, "inputParameters");
    json_object_begin(writer);
    member_chars(writer, "seed", "${workflow.input.seed}");
    member_chars(writer, "choice", "${workflow.input.choice}");
    json_object_end(writer);
    json_key(writer, "subWorkflowParam");
    json_object_begin(writer);
    member_chars(writer, "name", flows->flows[task->child].name);
    if (flows->flows[task->child].version % 2 == 0) {
        json_member_int(writer, "version", flows->flows[task->child].version);
    }
    json_object_end(writer);
    json_member_bool(writer, "optional", task->optional);
    json_object_end(writer);
}

static void write_set_variable(struct json_writer *writer, const struct flow_task *task) {
    char text[FLOW_TEXT_BYTES + 8];
    begin_task(writer, "SET_VARIABLE", "set", task->reference);
    json_key(writer, "inputParameters");
    json_object_begin(writer);
    (void)snprintf(text, sizeof(text), "v_%s", task->reference);
    json_member_int(writer, text, task->value);
    json_object_end(writer);
    json_object_end(writer);
}

static void write_with_input(
    struct json_writer *writer,
    const char *type,
    const struct flow_task *task,
    const char *key,
    const char *value
) {
    begin_task(writer, type, "system", task->reference);
    if (key != NULL) {
        json_key(writer, "inputParameters");
        json_object_begin(writer);
        member_chars(writer, key, value);
        json_object_end(writer);
    }
    json_object_end(writer);
}

static void
write_task(struct json_writer *writer, const struct flows *flows, const struct flow_task *task) {
    char text[32];
    switch (task->kind) {
    case FLOW_SIMPLE:
        write_simple(writer, flows, task);
        break;
    case FLOW_FORK:
        write_fork(writer, flows, task);
        break;
    case FLOW_SWITCH:
        write_switch(writer, flows, task);
        break;
    case FLOW_SUB_WORKFLOW:
        write_child(writer, flows, task);
        break;
    case FLOW_TERMINATE:
        write_with_input(writer, "TERMINATE", task, "terminationStatus", task->status);
        break;
    case FLOW_WAIT:
        (void)snprintf(text, sizeof(text), "%d seconds", task->wait_s);
        write_with_input(writer, "WAIT", task, "duration", text);
        break;
    case FLOW_HUMAN:
        write_with_input(writer, "HUMAN", task, NULL, NULL);
        break;
    case FLOW_NOOP:
        write_with_input(writer, "NOOP", task, NULL, NULL);
        break;
    case FLOW_SET_VARIABLE:
        write_set_variable(writer, task);
        break;
    }
}

static void
write_list(struct json_writer *writer, const struct flows *flows, const struct flow_list *list) {
    json_array_begin(writer);
    for (uint32_t i = 0; i < list->count; i++) {
        write_task(writer, flows, &list->tasks[i]);
    }
    json_array_end(writer);
}

void flow_write(const struct flows *flows, const struct flow *flow, struct buffer *out) {
    struct json_writer writer = json_writer(out);
    json_object_begin(&writer);
    member_chars(&writer, "name", flow->name);
    json_member_int(&writer, "version", flow->version);
    json_member_int(&writer, "schemaVersion", 2);
    member_chars(&writer, "ownerEmail", "owner@example.com");
    if (flow->timeout_s > 0) {
        json_member_int(&writer, "timeoutSeconds", flow->timeout_s);
        member_chars(&writer, "timeoutPolicy", "TIME_OUT_WF");
    }
    if (flow->has_output) {
        json_key(&writer, "outputParameters");
        json_object_begin(&writer);
        member_chars(&writer, "seed", "${workflow.input.seed}");
        member_chars(&writer, "marker", flow->name);
        json_object_end(&writer);
    }
    json_key(&writer, "tasks");
    write_list(&writer, flows, &flow->list);
    json_object_end(&writer);
}
